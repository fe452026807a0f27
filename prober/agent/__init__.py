"""The agent: the process that runs checks in a region."""
