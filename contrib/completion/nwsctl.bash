# bash completion for nwsctl(8); ids of clients and origins come from nwsd.

_nwsctl_ask()
{
	# Only what is safe in a shell word is offered.
	nwsctl "${ctl[@]}" "$@" 2>/dev/null | awk -v column="$column" \
	    -v without="$without" 'NR > 1 && $2 !~ without &&
	    $column ~ /^[A-Za-z0-9:\/.*_-]+$/ { print $column }'
}

_nwsctl()
{
	local cur prev words i command="" column=1 without=^$
	local -a ctl=() args=()

	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	if [[ $prev == -s ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s)	ctl=(-s "${COMP_WORDS[++i]}") ;;
		-*)	[[ -n $command ]] && args+=("${COMP_WORDS[i]}") ;;
		*)	if [[ -z $command ]]; then
				command=${COMP_WORDS[i]}
			else
				args+=("${COMP_WORDS[i]}")
			fi ;;
		esac
	done
	case "$command ${args[*]}" in
	" ")
		words="show monitor reload log close origin peer check console
		    sandbox-test -h -j -s -V" ;;
	"show ")
		words="summary channels clients processes limits origins
		    links peers interfaces discovery check metrics" ;;
	"log ")
		words="brief verbose" ;;
	"close ")
		words=$(_nwsctl_ask show clients) ;;
	"origin ")
		words="pending list allow deny revoke" ;;
	"origin allow "*)
		words="channels libp2p signalling polysocket" ;;
	"origin allow"|"origin deny")
		words=$(_nwsctl_ask origin pending) ;;
	"origin revoke")
		# Not what nwsd.conf says.
		without=^configured
		words=$(_nwsctl_ask origin list) ;;
	"peer ")
		words="add del" ;;
	"peer del")
		words=$(_nwsctl_ask show peers) ;;
	"sandbox-test ")
		words="frontend router discovery crypto files" ;;
	"sandbox-test "*)
		words="open socket connect exec" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	# bash splits words at colons
	declare -F __ltrim_colon_completions >/dev/null &&
	    __ltrim_colon_completions "$cur"
}
complete -F _nwsctl nwsctl
