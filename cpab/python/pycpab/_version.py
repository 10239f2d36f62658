"""The version of the package, which its wheel is named after."""

__version__ = "1.0.0"
