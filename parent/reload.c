/*
 * Changing to a new configuration while clients are served: parsed, held
 * against what cannot change, its sockets bound, and only then handed to the
 * processes.  Until then nothing that runs is touched.  Runs in the parent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "parent/parent.h"

static struct {
	int waiting;     /* for processes to be READY */
	struct ctl *ctl; /* who asked, or NULL */
} reload;

static int
same(const char *a, const char *b)
{
	return (strcmp(a, b) == 0);
}

/* What the running processes cannot change; NULL or the keyword. */
static const char *
fixed_changed(const struct conf *old, const struct conf *new)
{
	char old_path[WHY_MAX], new_path[WHY_MAX], why[WHY_MAX];

	if (old->prefork != new->prefork)
		return ("prefork");
	if (!same(privileges_user(old), privileges_user(new)))
		return ("user");
	if (!same(privileges_chroot(old), privileges_chroot(new)))
		return ("chroot");
	if (control_path(old, old_path, sizeof(old_path), why) == -1 ||
	    control_path(new, new_path, sizeof(new_path), why) == -1 ||
	    !same(old_path, new_path) || old->control_mode != new->control_mode)
		return ("control");
	return (NULL);
}

/* Takes the new tree and its sockets, and frees the old ones. */
static void
swap(struct conf *conf, char *text, struct listeners *list)
{
	struct listeners old;
	size_t i;

	TAILQ_INIT(&old);
	TAILQ_CONCAT(&old, &parent.listeners, entry);
	TAILQ_CONCAT(&parent.listeners, list, entry);
	conf->allow_any_said = parent.conf->origin_any != 0;
	conf_free(parent.conf);
	free(parent.conf_text);
	parent.conf = conf;
	parent.conf_text = text;
	for (i = 0; i < parent.n_processes; i++)
		process_send_conf(&parent.processes[i]);
	listeners_log_gone(&old, &parent.listeners);
	listeners_free(&old, &parent.listeners);
}

/* Returns 0, or -1 with why; then everything is as it was. */
static int
apply(char why[WHY_MAX])
{
	struct listeners list;
	struct conf *conf;
	const char *fixed;
	char *text;

	TAILQ_INIT(&list);
	if ((conf = config_load(0, why)) == NULL)
		return (-1);
	if ((fixed = fixed_changed(parent.conf, conf)) != NULL) {
		snprintf(why, WHY_MAX,
		    "%s: \"%s\" has changed, which needs a "
		    "restart",
		    config_name(), fixed);
		conf_free(conf);
		return (-1);
	}
	text = conf_print(conf);
	if (text == NULL || strlen(text) > MSG_TEXT_MAX) {
		snprintf(why, WHY_MAX, "%s: too large", config_name());
		free(text);
		conf_free(conf);
		return (-1);
	}
	if (listeners_open(conf, &parent.listeners, &list, why) == -1) {
		free(text);
		conf_free(conf);
		return (-1);
	}
	swap(conf, text, &list);
	return (0);
}

static void
failed(struct ctl *ctl, const char *why)
{
	parent.reloads_failed++;
	log_warnx("configuration not reloaded: %s", why);
	control_event(EVENT_RELOAD, "result=\"failed\"");
	notify_send("READY=1\nSTATUS=serving; the last reload failed");
	if (ctl != NULL)
		ctl_done(ctl, 1, "%s", why);
}

void
reload_begin(struct ctl *ctl)
{
	char why[WHY_MAX];

	if (reload.waiting || !parent.served) {
		log_info("reload refused: %s",
		    reload.waiting ? "a reload is under way" :
				     "the start is under way");
		if (ctl != NULL)
			ctl_done(ctl, 1, "%s",
			    reload.waiting ? "a reload is under way" :
					     "the start is under way");
		return;
	}
	notify_reloading();
	why[0] = '\0';
	if (apply(why) == -1) {
		failed(ctl, why);
		return;
	}
	reload.waiting = 1;
	reload.ctl = ctl;
}

void
reload_ready(void)
{
	if (!reload.waiting)
		return;
	reload.waiting = 0;
	parent.reloads++;
	listeners_log(&parent.listeners);
	config_announce(parent.conf);
	log_info("configuration reloaded");
	control_event(EVENT_RELOAD, "result=\"ok\"");
	notify_send(
	    "READY=1\nSTATUS=serving, %zu processes", parent.n_processes);
	if (reload.ctl != NULL)
		ctl_done(reload.ctl, 0, "configuration reloaded");
	reload.ctl = NULL;
}

void
reload_forget(const struct ctl *ctl)
{
	if (reload.ctl == ctl)
		reload.ctl = NULL;
}
