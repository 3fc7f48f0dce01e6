"""Wire shapes that several readers share: usage objects, messages, streams, errors. No reader lives here."""
