"""The names of everything the agent sends. `hw.*` is OpenTelemetry's hardware convention, `gen_ai.server.*` its GenAI
convention; what neither names lies under `hw.gpu.` or `spanmeter.`. docs/gpu.md lists them all.
"""

# One GPU. Those that the hardware convention has itself: utilization, memory.*, hw.power, hw.energy, hw.temperature, …
GPU_UTILIZATION = "hw.gpu.utilization"
GPU_ACTIVITY = "hw.gpu.activity"
GPU_MEMORY_USAGE = "hw.gpu.memory.usage"
GPU_MEMORY_LIMIT = "hw.gpu.memory.limit"
GPU_MEMORY_UTILIZATION = "hw.gpu.memory.utilization"
GPU_POWER_LIMIT = "hw.gpu.power.limit"
GPU_CLOCK = "hw.gpu.clock"
GPU_CLOCK_LIMIT = "hw.gpu.clock.limit"
GPU_THROTTLED = "hw.gpu.throttled"
GPU_PROCESS_MEMORY = "hw.gpu.process.memory.usage"
POWER = "hw.power"
ENERGY = "hw.energy"
TEMPERATURE = "hw.temperature"
ERRORS = "hw.errors"
STATUS = "hw.status"

# One inference server.
RUNNING = "spanmeter.serving.requests.running"
WAITING = "spanmeter.serving.requests.waiting"
FINISHED = "spanmeter.serving.requests.finished"
KV_CACHE = "spanmeter.serving.kv_cache.utilization"
TOKENS = "spanmeter.serving.tokens"
CACHED_TOKENS = "spanmeter.serving.tokens.cached"
PREEMPTIONS = "spanmeter.serving.preemptions"
COMPUTE_TIME = "spanmeter.serving.compute.time"
QUEUE = "spanmeter.serving.queue.duration"
PREFILL = "spanmeter.serving.prefill.duration"
DECODE = "spanmeter.serving.decode.duration"
STATE = "spanmeter.serving.state"
COLD_START = "spanmeter.serving.cold_start.duration"
TTFT = "gen_ai.server.time_to_first_token"
TPOT = "gen_ai.server.time_per_output_token"
REQUEST_DURATION = "gen_ai.server.request.duration"

# The agent itself.
SOURCE_UP = "spanmeter.agent.source.up"
SKIPPED = "spanmeter.agent.lines.skipped"
