"""Shared by the peer measurements: environment, description of the machine, summary of runs."""

import json
import os
import platform
import resource
import statistics


def clean_environment():
    """Without the settings that make OpenBLAS use kernels of another CPU, which would slow a peer down."""
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)


def machine():
    cpu = platform.processor()
    try:
        with open("/proc/cpuinfo", encoding="ascii") as file:
            cpu = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), cpu)
    except OSError:
        pass
    return dict(cpu=cpu, cores=os.cpu_count(), load=os.getloadavg()[0], system=platform.platform())


def summary(runs):
    """Tokens per second: median, lowest, highest and all runs."""
    ordered = [round(run, 2) for run in runs]
    return dict(median=round(statistics.median(runs), 2), lowest=min(ordered), highest=max(ordered), runs=ordered)


def peak_memory_mib():
    """Peak resident memory of this process."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def report(**values):
    print(json.dumps(values))
