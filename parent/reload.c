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
	int again;       /* a signal came meanwhile */
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
	/* Whether there are processes for links, and the key of those. */
	if (old->link != new->link)
		return ("link");
	if (old->link && old->identity_persistent != new->identity_persistent)
		return ("identity");
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

/* What a reload changes to: all of it is there before anything is changed. */
struct change {
	struct conf *conf;
	struct conf_texts texts;
	struct listeners listeners, link_listeners;
	struct directories directories;
};

static void
swap_listeners(struct listeners *now, struct listeners *new,
    struct listeners *old)
{
	TAILQ_INIT(old);
	TAILQ_CONCAT(old, now, entry);
	TAILQ_CONCAT(now, new, entry);
}

/* Takes the new tree and its sockets, and frees the old ones. */
static void
swap(struct change *c)
{
	struct listeners old, old_links;
	struct process *p;
	size_t i;
	int files_changed = !conf_files_same(parent.conf, c->conf) ||
	    !directories_same(&parent.directories, &c->directories);

	swap_listeners(&parent.listeners, &c->listeners, &old);
	swap_listeners(&parent.link_listeners, &c->link_listeners, &old_links);
	listeners_permit(c->conf, &old);
	c->conf->allow_any_said = parent.conf->origin_any != 0;
	conf_free(parent.conf);
	config_texts_free(&parent.conf_texts);
	parent.conf = c->conf;
	parent.conf_texts = c->texts;
	directories_close(&parent.directories);
	parent.directories = c->directories;
	processes_files(c->conf, files_changed);
	for (i = 0; i < parent.n_processes; i++) {
		p = &parent.processes[i];
		if (p->wanted && !p->replaced)
			process_send_conf(p);
	}
	processes_start();
	listeners_log_gone(&old, &parent.listeners);
	listeners_free(&old, &parent.listeners);
	listeners_log_gone(&old_links, &parent.link_listeners);
	listeners_free(&old_links, NULL);
}

/* All but the tree.  Returns 0, or -1 with why. */
static int
prepare(struct change *c, char why[WHY_MAX])
{
	const char *fixed;

	if ((fixed = fixed_changed(parent.conf, c->conf)) != NULL) {
		snprintf(why, WHY_MAX,
		    "%s: \"%s\" has changed, which needs a "
		    "restart",
		    config_name(), fixed);
		return (-1);
	}
	if (config_texts(c->conf, &c->texts) == -1) {
		snprintf(why, WHY_MAX, "%s: too large", config_name());
		return (-1);
	}
	if (directories_open(c->conf, &c->directories, why) == -1)
		return (-1);
	if (listeners_open(c->conf, &parent.listeners, &c->listeners, why) ==
	    -1)
		return (-1);
	return (link_listeners_open(
	    c->conf, &parent.link_listeners, &c->link_listeners, why));
}

/* Returns 0, or -1 with why; then everything is as it was. */
static int
apply(char why[WHY_MAX])
{
	struct change c = { NULL, { NULL, NULL, NULL },
		TAILQ_HEAD_INITIALIZER(c.listeners),
		TAILQ_HEAD_INITIALIZER(c.link_listeners), { .n = 0 } };

	if ((c.conf = config_load(0, why)) == NULL)
		return (-1);
	if (prepare(&c, why) == 0) {
		swap(&c);
		return (0);
	}
	listeners_free(&c.listeners, &parent.listeners);
	directories_close(&c.directories);
	config_texts_free(&c.texts);
	conf_free(c.conf);
	return (-1);
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

/*
 * Whoever asked by a signal cannot ask again when this one is over, and has
 * perhaps changed the file since it was read.
 */
static void
later(struct ctl *ctl)
{
	const char *why = reload.waiting ? "a reload is under way" :
					   "the start is under way";

	if (ctl != NULL) {
		log_info("reload refused: %s", why);
		ctl_done(ctl, 1, "%s", why);
	} else if (!reload.again) {
		log_info("SIGHUP: %s, and another reload follows", why);
		reload.again = 1;
	}
}

void
reload_begin(struct ctl *ctl)
{
	char why[WHY_MAX];

	if (reload.waiting || !parent.served) {
		later(ctl);
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

static void
done(void)
{
	reload.waiting = 0;
	parent.reloads++;
	listeners_log(&parent.listeners);
	link_listeners_log(&parent.link_listeners);
	config_announce(parent.conf);
	log_info("configuration reloaded");
	control_event(EVENT_RELOAD, "result=\"ok\"");
	notify_send(
	    "READY=1\nSTATUS=serving, %zu processes", processes_wanted());
	if (reload.ctl != NULL)
		ctl_done(reload.ctl, 0, "configuration reloaded");
	reload.ctl = NULL;
}

void
reload_ready(void)
{
	if (reload.waiting)
		done();
	if (!reload.again)
		return;
	reload.again = 0;
	reload_begin(NULL);
}

void
reload_forget(const struct ctl *ctl)
{
	if (reload.ctl == ctl)
		reload.ctl = NULL;
}
