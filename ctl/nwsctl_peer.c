/* nwsctl peer: other nodes that are to be dialled, for as long as nwsd runs. */
#include <stdlib.h>
#include <string.h>

#include "../common/conf.h"
#include "nwsctl.h"

int
cmd_peer(int argc, char *argv[])
{
	static const char *const verbs[] = { [PEER_ADD] = "add",
	    [PEER_DEL] = "del" };
	static const char *const done[] = { [PEER_ADD] = "is dialled now",
	    [PEER_DEL] = "is forgotten" };
	char name[MSG_PEER_MAX + 1], said[MSG_PEER_MAX + 32], *host;
	const char *why;
	uint32_t verb;
	uint16_t port;
	int i;

	if (argc != 2)
		return (-1);
	if ((i = word_choose(verbs, 2, argv[0], "command")) < 0)
		return (EXIT_ERROR);
	verb = (uint32_t)i;
	if (conf_peer_parse(argv[1], strlen(argv[1]), &host, &port, &why) ==
	    -1)
		return (report_error(EXIT_ERROR, "%s: expected %s", argv[1],
		    why));
	conf_peer_text(host, port, name, sizeof(name));
	free(host);
	link_say(MSG_CTL_PEER, &verb, sizeof(verb), name, strlen(name));
	snprintf(said, sizeof(said), "%s %s", name, done[verb]);
	return (link_outcome(said));
}
