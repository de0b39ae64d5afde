"""Machines: named commands on them, by SSM, by SSH or here. Nothing else runs there, and no shell reads the words."""
