/** What a shell is told once: that for words of `coracle` it shall ask `coracle internal complete`. */

export const SHELLS = ['bash', 'fish', 'zsh'] as const
export type Shell = (typeof SHELLS)[number]

/** The last line of an answer: the shell shall offer files as well. */
export const FILES = ':files'

/** bash cuts words at `:` and `=`, which stand in names of images; here they are put together again. */
const BASH = `# coracle completion for bash: source <(coracle completion bash)
_coracle() {
  local rest=$COMP_LINE words=() i part trimmed line cut= files=
  for ((i = 0; i <= COMP_CWORD; i++)); do
    part=\${COMP_WORDS[i]}
    trimmed=\${rest#"\${rest%%[![:space:]]*}"}
    if [[ $i -gt 0 && $trimmed == "$rest" ]]; then words[-1]+=$part; else words+=("$part"); fi
    rest=\${trimmed#"$part"}
  done
  local current=\${words[-1]}
  [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && cut=\${current%"\${current##*:}"}
  [[ $COMP_WORDBREAKS == *=* && \${current#"$cut"} == *=* ]] && cut=\${current%"\${current##*=}"}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${FILES} ]]; then files=1; continue; fi
    line=\${line%%$'\\t'*}
    COMPREPLY+=("\${line#"$cut"}")
  done < <("\${words[0]}" internal complete -- "\${words[@]:1}" 2>/dev/null)
  if [[ -n $files ]]; then compopt -o default; fi
}
complete -F _coracle coracle
`

const ZSH = `#compdef coracle
# coracle completion for zsh: coracle completion zsh > "\${fpath[1]}/_coracle"
_coracle() {
  local -a lines described
  local line files
  lines=("\${(@f)$("\${words[1]}" internal complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    if [[ $line == ${FILES} ]]; then files=1; continue; fi
    line=\${line//:/\\\\:}
    described+=("\${line/$'\\t'/:}")
  done
  (( $#described )) && _describe -t commands coracle described
  [[ -n $files ]] && _files
}
if [[ $funcstack[1] == _coracle ]]; then _coracle "$@"; else compdef _coracle coracle; fi
`

const FISH = `# coracle completion for fish: coracle completion fish | source
function __coracle_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l files 0
    for line in ($words[1] internal complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = "${FILES}"
            set files 1
        else
            echo $line
        end
    end
    if test $files = 1
        __fish_complete_path (commandline -ct)
    end
end
complete -c coracle -f -a '(__coracle_complete)'
`

export function completionScript(shell: Shell): string {
  return { bash: BASH, fish: FISH, zsh: ZSH }[shell]
}
