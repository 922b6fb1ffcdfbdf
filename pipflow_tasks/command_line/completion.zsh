#compdef pipflow
# Completion of pipflow for zsh. Write into ~/.zshrc:  eval "$(pipflow --completion zsh)"

_pipflow() {
    local -a found
    local candidate
    for candidate in "${(@f)$(command ${words[1]} --complete zsh "${(@Q)words[2,CURRENT-1]}" \
            "${(Q)PREFIX}" 2>/dev/null)}"; do
        [[ -n $candidate ]] && found+=("$candidate")
    done
    if (( $#found )); then
        _describe -V 'pipflow' found -M 'm:{[:lower:]}={[:upper:]}'
    else
        _files
    fi
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _pipflow "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _pipflow pipflow
fi
