"""The version, where both the package and its user agent find it."""

__version__ = "0.1.0"
