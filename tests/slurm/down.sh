#!/usr/bin/env bash
# Ends what up.sh started in DIR, and nothing else: all jobs, then the three daemons by the pids they wrote.
set -uo pipefail

home=$(realpath "${1:?usage: down.sh DIR}")
export SLURM_CONF=$home/slurm.conf

if timeout 5 sinfo >/dev/null 2>&1; then
  timeout 5 scancel --me || true
  for _ in $(seq 100); do  # their processes are slurmd's to end
    [[ -z $(timeout 5 squeue --noheader --me 2>/dev/null) ]] && break
    sleep 0.1
  done
fi

ours=()
for daemon in slurmd slurmctld munged; do
  pid=$(cat "$home/$daemon.pid" 2>/dev/null) || continue
  # a pid may belong to somebody else by now
  [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$daemon"* ]] || continue
  kill "$pid"
  ours+=("$pid")
done
for pid in "${ours[@]}"; do
  for _ in $(seq 200); do
    kill -0 "$pid" 2>/dev/null || continue 2
    sleep 0.1
  done
  echo "process $pid is still there" >&2
  exit 1
done
