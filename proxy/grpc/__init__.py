"""OTLP over gRPC: the gateway's second port. Loads HTTP/2 (h2) only when it is served."""
