"""Says what the file of a trained model holds, measures the model again, and compares.

    python -m trainables.saved_models model.safetensors

Exit codes: 0 equal to the record to the bit, 1 not equal, 2 the file cannot be read, or the data are not here.
"""

from __future__ import annotations

import argparse
import sys

from trainables.saved_models import files


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser("python -m trainables.saved_models", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("file", help="file of a trained model")
    path = parser.parse_args(arguments).file
    try:
        model = files.load(path)
        record = model.record
        run = record.run
        print(
            f"{record.key}: {run['algorithm']}, λ = {run['lam']:g}, seed {run['seed']}, {run['data']}, {record.iterations} iterations"
        )
        for name, net in model.named_children():
            print(f"network   {name}: {sum(value.numel() for value in net.parameters()):,} parameters")
        now = model.measure().metrics or {}
    except (ValueError, OSError) as error:
        print(f"trainables.saved_models: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    unequal = 0
    for name, then in record.metrics.items():
        same = then == now.get(name)
        unequal += not same
        print(
            f"{'equal' if same else 'not equal':9} {name}: {then!r}"
            + ("" if same else f" then, {now.get(name)!r} now")
        )
    print(
        "equal to the bit"
        if not unequal
        else f"{unequal} values differ: another processor, compiler or version rounds otherwise"
    )
    return 1 if unequal else 0


if __name__ == "__main__":
    sys.exit(main())
