"""The page of the sandbox's workspace: what a person sees in a browser."""
