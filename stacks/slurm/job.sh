#!/bin/bash
# The job of one step. Slurm runs it with the job's folder as its argument; nothing is ever written into this text.
# A task of a job array has a folder of its own in that one.
# A warning (USR1 before the end or on preemption, TERM where the site sends no warning) goes on to the step as USR1.
folder=$1${SLURM_ARRAY_TASK_ID:+/$SLURM_ARRAY_TASK_ID}
attempt="${SLURM_JOB_ID}.${SLURM_RESTART_COUNT:-0}"
warned=
child=

# A requeued job whose step had ended already.
if [ "$(cut -d' ' -f1 "$folder/exit" 2>/dev/null)" = 0 ]; then exit 0; fi

warn() {
  warned=1
  : > "$folder/warned.$attempt"
  if [ -n "$child" ]; then kill -USR1 "$child" 2>/dev/null; fi
}
end() { # end STATUS: say how it ended, in one piece, before anybody asks
  rm -f "$folder/environment"
  printf '%s %s\n' "$1" "$attempt" > "$folder/.exit.$attempt" && mv "$folder/.exit.$attempt" "$folder/exit" || rm -f "$folder/.exit.$attempt"
  exit "$1"
}
forget_if_cancelled() { # Slurm says so in the log: the job is not to come back, and nobody may be left to tidy up
  for _ in 1 2 3 4 5; do
    if grep -qs "JOB $SLURM_JOB_ID ON .* CANCELLED AT [^ ]* \*\*\*" "$folder/log"; then rm -f "$folder/environment"; break; fi
    sleep 0.2
  done
}
trap warn USR1
trap 'warn; forget_if_cancelled' TERM
printf '%s %s %s\n' "$(date +%s.%N)" "$attempt" "$(hostname -s)" >> "$folder/attempts"

if [ ! -r "$folder/environment" ]; then
  echo "slurm: the job's environment file is gone: was the job requeued after its end?" >&2
  end 78
fi
. "$folder/environment"
. "$folder/setup.sh" || { echo "slurm: a set-up line failed with status $?" >&2; end 78; }
if [ -n "$ZENML_SLURM_GPUS" ] && ! ls /dev/nvidia[0-9]* /dev/kfd >/dev/null 2>&1; then
  echo "slurm: the step asked for $ZENML_SLURM_GPUS GPU(s), and $(hostname -s) shows none: it goes on with the CPU." >&2
fi
export ZENML_SLURM_WARNING="$folder/warned.$attempt"
mapfile -d '' -t command < "$folder/command"
# Until the step can listen, a warning must not end it.
( trap '' USR1 TERM; exec "${command[@]}" ) &
child=$!
if [ -n "$warned" ]; then kill -USR1 "$child" 2>/dev/null; fi

# A warning ends 'wait' early; once the step is gone, bash still knows its status.
while wait "$child"; kill -0 "$child" 2>/dev/null; do :; done
wait "$child"
status=$?
# Ended by the preemption itself: stay until Slurm ends the job, for one that exits is not requeued.
if [ -n "$warned" ] && { [ "$status" -gt 128 ] || [ "$status" = 75 ]; }; then
  while :; do sleep 1; done
fi
end "$status"
