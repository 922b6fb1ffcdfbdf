# Completion of pipflow for bash. Write into ~/.bashrc:  eval "$(pipflow --completion bash)"

_pipflow_complete() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
    done < <(command "$1" --complete bash "$2" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}

complete -o default -F _pipflow_complete pipflow
