"""Wrappers for clients of others. None of them imports the client: it is the host's to have."""
