"""Readers of what LLM providers say over HTTP, one module each; `registry` lists them.

Imports nothing on purpose: the gateway imports `ingestion.providers.routes` and must not load the readers with it.
"""
