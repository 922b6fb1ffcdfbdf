# Completion of pipflow for fish. Write into ~/.config/fish/config.fish:
#   pipflow --completion fish | source

function __pipflow_complete
    set --local words (commandline --current-process --tokenize --cut-at-cursor)
    set --local program $words[1]
    set --erase words[1]
    set --local current (commandline --current-token --cut-at-cursor)
    set --local found (command $program --complete fish $words "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end

complete --command pipflow --no-files --keep-order --arguments '(__pipflow_complete)'
