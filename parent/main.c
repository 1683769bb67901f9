/*
 * nwsd(8): the main() of every process, and the start and end of the parent.
 * As a child this hands over to the process's own main at once.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/prctl.h>

#include <bsd/unistd.h>
#endif

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/log.h"
#include "parent/parent.h"

#ifndef __linux__
extern char **environ;
#endif

struct parent parent;

/* Descriptors 0 to 2 must not become sockets because nobody had opened them. */
static void
open_standard(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			exit(1);
	} while (fd <= STDERR_FILENO);
	close(fd);
}

static int
child_main(void)
{
#ifdef __linux__
	/* Executed by descriptor, the kernel calls it by the number of that. */
	prctl(PR_SET_NAME, "nwsd");
#endif
	switch (child_options.process) {
	case P_FRONTEND:
		return (frontend_main());
	case P_ROUTER:
		return (router_main());
	case P_DISCOVERY:
		return (discovery_main());
	case P_CRYPTO:
		return (crypto_main());
	case P_FILES:
		return (files_main());
	default:
		return (1);
	}
}

/* -n: 0 when the configuration is good. */
static int
check(void)
{
	char *text = NULL;

	if (parent.options->verbose > 0 &&
	    ((text = conf_print(parent.conf, CONF_ALL)) == NULL ||
		fputs(text, stdout) == EOF || fflush(stdout) == EOF)) {
		perror("nwsd: standard output");
		free(text);
		return (1);
	}
	free(text);
	fputs("configuration OK\n", stderr);
	return (0);
}

static int
load(void)
{
	char why[WHY_MAX];

	if ((parent.conf = config_load(1, why)) == NULL)
		return (-1);
	if (config_texts(parent.conf, &parent.conf_texts) == -1) {
		fprintf(stderr, "%s: too large\n", config_name());
		return (-1);
	}
	return (0);
}

/* What can fail because of the machine, while somebody still looks. */
static int
open_all(void)
{
	char why[WHY_MAX];

	/* What was left open by who started us; -f may have named one. */
	closefrom(STDERR_FILENO + 1);
	descriptors_raise();
	privileges_check(parent.conf);
	if (control_open(parent.conf, why) == -1) {
		log_warnx("%s", why);
		return (-1);
	}
	if (listeners_open(parent.conf, NULL, &parent.listeners, why) == -1) {
		log_warnx("%s", why);
		control_close();
		return (-1);
	}
	if (directories_open(parent.conf, &parent.directories, why) == -1) {
		log_warnx("%s", why);
		listeners_free(&parent.listeners, NULL);
		control_close();
		return (-1);
	}
	if (identity_prepare(parent.conf, why) == -1 ||
	    link_listeners_open(
		parent.conf, NULL, &parent.link_listeners, why) == -1) {
		log_warnx("%s", why);
		listeners_free(&parent.listeners, NULL);
		control_close();
		return (-1);
	}
	return (0);
}

static void
enter_background(void)
{
	const struct listener *l;

	background_enter();
	control_listen_again();
	TAILQ_FOREACH(l, &parent.listeners, entry)
		if (l->addr.ss_family == AF_UNIX)
			unix_listen_again(l->fd);
}

static void
turn_end(void)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		if (parent.processes[i].pipe != NULL)
			pipe_flush(parent.processes[i].pipe);
	}
	control_flush();
}

static void
serve(void)
{
	loop_init();
	parent.start_ms = loop_now_ms();
	supervision_init();
	listeners_log(&parent.listeners);
	link_listeners_log(&parent.link_listeners);
	config_announce(parent.conf);
	grants_file_load(&parent.grants);
	console_init();
	processes_init(parent.conf);
	processes_start();
	control_start();
	notify_start();
	loop_run(turn_end);
	log_info("ended");
}

/* The keys of links pass through here, so no core file is to be left. */
static void
no_core(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		log_warn("core files");
}

static int
parent_main(const struct options *o, const char *argv0)
{
	parent.options = o;
	TAILQ_INIT(&parent.listeners);
	TAILQ_INIT(&parent.link_listeners);
	TAILQ_INIT(&parent.grants);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	log_init("parent", 0, 1);
	log_verbose(o->verbose > 0);
	no_core();
	config_init(o);
	if (load() == -1)
		return (1);
	if (o->check)
		return (check());
	notify_init();
	if (open_all() == -1)
		return (1);
	spawning_init(argv0);
	if (!o->foreground)
		enter_background();
	setproctitle("parent");
	serve();
	return (parent.exit_code);
}

int
main(int argc, char **argv)
{
	static struct options o;
	const char *argv0 = argv[0];

	open_standard();
	setproctitle_init(argc, argv, environ);
	if (options_parse(argc, argv, &o))
		return (child_main());
	return (parent_main(&o, argv0));
}
