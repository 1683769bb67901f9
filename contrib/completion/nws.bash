# bash completion for nws(1); names of channels come from nwsd, where this user
# may ask it.

_nws()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}

	COMPREPLY=()
	case $prev in
	-U|-k)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	-H)
		mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
		return ;;
	-n|-t|-w)
		return ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "-b -H -h -j -k -N -n -P -p
		    -q -t -U -V -v -w" -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$(nwsctl show channels \
	    2>/dev/null | awk 'NR > 1 && $1 ~ /^[A-Za-z0-9+=._-]+$/ {
	    print $1 }')" -- "$cur")
}
complete -F _nws nws
