/* Descriptors 0 to 2, which whoever started the program may have closed. */
#include <fcntl.h>
#include <unistd.h>

#include "ctl.h"

void
standard_fill(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null",
			fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
}
