/*
 * Feeds files to a fuzz target, for compilers without libFuzzer: replay FILE or
 * DIRECTORY ...  The corpora and what a fuzzer once found are tests this way.
 * With -r N each input is also tried N times with random changes.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES	4096
#define INPUT_MAX	(16u * 1024 * 1024)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static unsigned int	rounds;
static unsigned long	inputs;

/* A generator of our own, so that a failure happens again. */
static uint32_t
next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return (*state);
}

static void
run(const uint8_t *data, size_t n)
{
	uint8_t	*copy;

	/* Its own allocation, so that one byte too far is seen. */
	if ((copy = malloc(n > 0 ? n : 1)) == NULL)
		err(1, NULL);
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	inputs++;
}

static void
change(uint8_t *data, size_t n)
{
	uint32_t	state = 0x9e3779b9u ^ (uint32_t)n;
	unsigned int	i;
	size_t		at, cut;

	for (i = 0; i < rounds && n > 0; i++) {
		at = next_random(&state) % n;
		data[at] ^= (uint8_t)(1u << next_random(&state) % 8);
		cut = next_random(&state) % 4 == 0 ?
		    next_random(&state) % n : n;
		run(data, cut);
	}
}

static void
replay_file(const char *path)
{
	uint8_t	*data;
	size_t	 n;
	FILE	*f;

	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	if ((data = malloc(INPUT_MAX + 1)) == NULL)
		err(1, NULL);
	n = fread(data, 1, INPUT_MAX + 1, f);
	if (ferror(f) || n > INPUT_MAX)
		errx(1, "%s: cannot be read, or too large", path);
	fclose(f);
	run(data, n);
	change(data, n);
	free(data);
}

static void
replay(const char *path)
{
	char		 inside[PATH_BYTES];
	struct dirent	*entry;
	struct stat	 st;
	DIR		*dir;

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	if ((dir = opendir(path)) == NULL)
		err(1, "%s", path);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(inside, sizeof(inside), "%s/%s", path,
		    entry->d_name) >= (int)sizeof(inside))
			errx(1, "%s: name too long", path);
		replay(inside);
	}
	closedir(dir);
}

int
main(int argc, char *argv[])
{
	int	ch;

	while ((ch = getopt(argc, argv, "r:")) != -1) {
		if (ch != 'r') {
			fprintf(stderr, "usage: replay [-r rounds] path ...\n");
			return (2);
		}
		rounds = (unsigned int)strtoul(optarg, NULL, 10);
	}
	run((const uint8_t *)"", 0);
	for (; optind < argc; optind++)
		replay(argv[optind]);
	printf("%lu inputs\n", inputs);
	return (0);
}
