"""How the page's files are kept: a hash in each name, gzip beside each."""

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

__all__ = ["HashedStorage"]


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Without brotli, even where it is installed: its best level takes seconds, and the first start waits for it."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        """Gzip only."""
        return Compressor(**{**kwargs, "use_brotli": False})
