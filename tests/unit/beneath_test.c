/* files/beneath.c: what is beneath a directory is opened, and nothing else. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "files/beneath.h"

static char	 top[] = "/tmp/nwsd-beneath-XXXXXX";
static int	 dir = -1;

static void
make_file(int at, const char *name, const char *text, mode_t mode)
{
	int	 fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
make_socket(void)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	int			 fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/www/socket", top);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
}

/* top/www is what is served; top/secret is not. */
static int
make(void **state)
{
	int	 up;

	(void)state;
	if (mkdtemp(top) == NULL)
		return (-1);
	up = open(top, O_PATH | O_DIRECTORY);
	make_file(up, "secret", "secret", 0644);
	assert_int_equal(mkdirat(up, "www", 0755), 0);
	dir = openat(up, "www", O_PATH | O_DIRECTORY);
	make_file(dir, "a.txt", "12345", 0644);
	make_file(dir, "index.html", "top", 0644);
	make_file(dir, "none", "x", 0);
	assert_int_equal(mkdirat(dir, "sub", 0755), 0);
	assert_int_equal(mkdirat(dir, "odd", 0755), 0);
	assert_int_equal(mkdirat(dir, "odd/index.html", 0755), 0);
	make_file(dir, "sub/index.html", "below", 0644);
	assert_int_equal(symlinkat("sub/index.html", dir, "in"), 0);
	assert_int_equal(symlinkat("../a.txt", dir, "sub/up"), 0);
	assert_int_equal(symlinkat("sub", dir, "subdir"), 0);
	assert_int_equal(symlinkat("../secret", dir, "out"), 0);
	assert_int_equal(symlinkat("..", dir, "above"), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "absolute"), 0);
	assert_int_equal(symlinkat("/proc/self/root/etc/passwd", dir,
	    "magic"), 0);
	assert_int_equal(symlinkat("loop", dir, "loop"), 0);
	assert_int_equal(symlinkat("gone", dir, "dangling"), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0644), 0);
	make_socket();
	/* Not without root; then it is just not there. */
	(void)mknodat(dir, "null", S_IFCHR | 0666, makedev(1, 3));
	close(up);
	return (0);
}

static int
clean(void **state)
{
	char	 command[64];

	(void)state;
	close(dir);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return (system(command));
}

static uint32_t
status(const char *path)
{
	struct msg_file_answer	 a;
	int			 fd;

	fd = beneath_open(dir, path, strlen(path), &a);
	assert_int_equal(fd != -1, a.status == 200);
	if (fd != -1)
		close(fd);
	return (a.status);
}

static void
table(void **state)
{
	static const struct {
		const char	*path;
		uint32_t	 status;
	} cases[] = {
		{ "a.txt", 200 }, { "", 200 }, { "sub/", 200 },
		{ "in", 200 }, { "sub/up", 200 }, { "subdir/", 200 },
		{ "subdir/index.html", 200 }, { "sub", 301 },
		{ "subdir", 301 }, { "odd", 301 }, { "odd/", 404 },
		{ "odd/index.html", 301 }, { "odd/index.html/", 404 },
		{ "a.txt/", 404 }, { "a.txt/b", 404 }, { "gone", 404 },
		{ "gone/", 404 }, { "out", 404 }, { "above/secret", 404 },
		{ "above", 404 }, { "absolute", 404 }, { "magic", 404 },
		{ "loop", 404 }, { "dangling", 404 }, { "fifo", 404 },
		{ "socket", 404 }, { "null", 404 },
		/* What file_path_valid() never lets come so far. */
		{ "../secret", 404 }, { "/etc/passwd", 404 },
		{ "sub/../../secret", 404 }, { "../www/a.txt", 404 }
	};
	size_t	 i;

	(void)state;
	if (beneath_check(dir) == -1)
		skip();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (status(cases[i].path) != cases[i].status)
			fail_msg("\"%s\": %u", cases[i].path,
			    status(cases[i].path));
}

static void
answers(void **state)
{
	struct msg_file_answer	 a;
	struct stat		 st;
	char			 buf[8];
	int			 fd;

	(void)state;
	if (beneath_check(dir) == -1)
		skip();
	fd = beneath_open(dir, "a.txt", 5, &a);
	assert_int_not_equal(fd, -1);
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), 5);
	assert_memory_equal(buf, "12345", 5);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(a.size, 5);
	assert_int_equal(a.inode, st.st_ino);
	assert_int_equal(a.mtime_s, st.st_mtim.tv_sec);
	assert_int_equal(a.mtime_ns, st.st_mtim.tv_nsec);
	close(fd);
	/* Root may read all. */
	if (geteuid() != 0)
		assert_int_equal(status("none"), 403);
}

static void
longest(void **state)
{
	char	 path[MSG_PATH_MAX + 1];
	size_t	 i;

	(void)state;
	if (beneath_check(dir) == -1)
		skip();
	memset(path, 'x', sizeof(path));
	for (i = 100; i < MSG_PATH_MAX; i += 100)
		path[i] = '/';
	path[MSG_PATH_MAX - 1] = '/';
	path[MSG_PATH_MAX] = '\0';
	assert_int_equal(status(path), 404);
	path[MSG_PATH_MAX - 1] = 'x';
	assert_int_equal(status(path), 404);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(answers),
		cmocka_unit_test(longest)
	};

	return (cmocka_run_group_tests(tests, make, clean));
}
