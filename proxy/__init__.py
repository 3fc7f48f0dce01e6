"""The logging gateway: raw asyncio protocols that forward bytes untouched and record what passed.

May import only ingestion.{envelope,spool,providers.routes,settings,ids}. Must never parse a body before the client
has it.
"""
