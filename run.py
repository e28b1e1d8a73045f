"""The front door: `python run.py scenarios/baseline.yaml` is `python run.py run scenarios/baseline.yaml`."""

from sim.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
