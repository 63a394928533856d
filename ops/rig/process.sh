# Sourced by the rig's scripts: waiting on a condition, and stopping what was started.

# wait_until SECONDS WHAT COMMAND...: polls COMMAND until it succeeds, or fails saying WHAT did not happen: at
# the deadline, or at once when COMMAND returns 2, which means that it never will.
wait_until() {
    local seconds=$1 what=$2 code
    shift 2
    local deadline=$((SECONDS + seconds))
    while true; do
        code=0
        "$@" >/dev/null 2>&1 || code=$?
        ((code != 0)) || return 0
        if ((code == 2)); then
            echo "rig: the process ended, so never: $what" >&2
            return 1
        fi
        if ((SECONDS >= deadline)); then
            echo "rig: not within $seconds s: $what" >&2
            return 1
        fi
        sleep 0.05
    done
}

# start_group PIDFILE LOG COMMAND...: starts COMMAND as the leader of a process group of its own. Returns once the
# process is COMMAND (until then it is still this shell, and nobody could tell it from another) or has ended.
start_group() {
    local file=$1 log=$2 pid
    shift 2
    setsid "$@" </dev/null >>"$log" 2>&1 &
    pid=$!
    echo "$pid" >"$file"
    until runs "$file" "$(basename "$1")" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
}

# runs PIDFILE NAME: whether the process in PIDFILE lives and still is NAME (a pid may have been used again).
runs() {
    local pid
    pid=$(cat "$1" 2>/dev/null) || return 1
    [[ -n $pid && $(readlink "/proc/$pid/exe") == */"$2" ]]
}

# Zombies do not count: they have ended, and wait for the machine's first process to notice.
group_is_gone() { ! pgrep --pgroup "$1" --runstates D,R,S,T,t >/dev/null; }

# stop_group PIDFILE NAME: ends the process in PIDFILE, which leads its process group, and proves all of the
# group gone; by SIGTERM first, by SIGKILL when that was not heard.
stop_group() {
    local file=$1 name=$2 pid
    if runs "$file" "$name"; then
        pid=$(cat "$file")
        kill -TERM "$pid"
        if ! wait_until 10 "$name $pid and its children end" group_is_gone "$pid"; then
            kill -KILL -- "-$pid"
            wait_until 5 "$name $pid is killed" group_is_gone "$pid"
        fi
    fi
    rm -f "$file"
}
