"""The strict cloud, asked with boto3 as the bot asks it."""
