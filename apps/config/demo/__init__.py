"""`make demo`: a small real model and small real programs, sent through the running gateway by the unmodified openai
SDK.
"""
