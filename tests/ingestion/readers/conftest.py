"""No test here is timed: the first token count of a process loads the ranks, which takes longer than the others."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
