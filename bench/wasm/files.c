/* What file-heavy programs do, one phase each: files PHASE DIRECTORY. Prints nothing; a failure is a trap's worth of status 1. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORIES = 40, FILES = 100, SMALL = 512, BIG_MIB = 256, SMALL_READS = 400000, MISSING = 40000 };

static char buffer[1 << 20];
static char path[256];

static void need(int right, const char *what) {
    if (right) return;
    perror(what);
    exit(1);
}

static const char *directory_at(const char *root, int directory) {
    snprintf(path, sizeof path, "%s/tree/part%d", root, directory);
    return path;
}

static const char *file_at(const char *root, int directory, int file) {
    snprintf(path, sizeof path, "%s/tree/part%d/file%d", root, directory, file);
    return path;
}

static void create(const char *root) {
    snprintf(path, sizeof path, "%s/tree", root);
    need(mkdir(path, 0755) == 0, path);
    for (int directory = 0; directory < DIRECTORIES; directory++) {
        need(mkdir(directory_at(root, directory), 0755) == 0, path);
        for (int file = 0; file < FILES; file++) {
            int fd = open(file_at(root, directory, file), O_WRONLY | O_CREAT | O_EXCL, 0644);
            need(fd >= 0 && write(fd, buffer, SMALL) == SMALL && close(fd) == 0, path);
        }
    }
}

static void look(const char *root) {
    struct stat status;
    for (int round = 0; round < 12; round++)
        for (int directory = 0; directory < DIRECTORIES; directory++)
            for (int file = 0; file < FILES; file++)
                need(stat(file_at(root, directory, file), &status) == 0 && status.st_size == SMALL, path);
}

static void read_all(const char *root) {
    for (int round = 0; round < 12; round++)
        for (int file = 0; file < FILES; file++)
            for (int directory = 0; directory < DIRECTORIES; directory++) {
                int fd = open(file_at(root, directory, file), O_RDONLY);
                need(fd >= 0 && read(fd, buffer, sizeof buffer) == SMALL && read(fd, buffer, sizeof buffer) == 0, path);
                need(close(fd) == 0, path);
            }
}

static void list(const char *root) {
    for (int round = 0; round < 12; round++)
        for (int directory = 0; directory < DIRECTORIES; directory++) {
            int count = 0;
            DIR *open = opendir(directory_at(root, directory));
            need(open != NULL, path);
            while (readdir(open) != NULL) count++;
            need(count == FILES + 2 || count == FILES, path);
            closedir(open);
        }
}

static void move(const char *root) {
    char to[256];
    for (int round = 0; round < 2; round++)
        for (int directory = 0; directory < DIRECTORIES; directory++)
            for (int file = 0; file < FILES; file++) {
                snprintf(to, sizeof to, "%s/tree/part%d/moved%d", root, directory, file);
                file_at(root, directory, file);
                need((round == 0 ? rename(path, to) : rename(to, path)) == 0, path);
            }
}

static void destroy(const char *root) {
    for (int directory = 0; directory < DIRECTORIES; directory++) {
        for (int file = 0; file < FILES; file++) need(unlink(file_at(root, directory, file)) == 0, path);
        need(rmdir(directory_at(root, directory)) == 0, path);
    }
    snprintf(path, sizeof path, "%s/tree", root);
    need(rmdir(path) == 0, path);
}

static void miss(const char *root) {
    struct stat status;
    for (int turn = 0; turn < MISSING; turn++) {
        snprintf(path, sizeof path, "%s/missing%d", root, turn);
        need(stat(path, &status) < 0 && open(path, O_RDONLY) < 0, path);
    }
}

static void big(const char *root) {
    snprintf(path, sizeof path, "%s/big", root);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    need(fd >= 0, path);
    for (int mib = 0; mib < BIG_MIB; mib++) need(write(fd, buffer, sizeof buffer) == sizeof buffer, path);
    need(lseek(fd, 0, SEEK_SET) == 0, path);
    for (int mib = 0; mib < BIG_MIB; mib++) need(read(fd, buffer, sizeof buffer) == sizeof buffer, path);
    need(close(fd) == 0 && unlink(path) == 0, path);
}

static void small(const char *root) {
    snprintf(path, sizeof path, "%s/small", root);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    need(fd >= 0, path);
    for (int turn = 0; turn < SMALL_READS; turn++) need(write(fd, buffer, 64) == 64, path);
    need(lseek(fd, 0, SEEK_SET) == 0, path);
    for (int turn = 0; turn < SMALL_READS; turn++) need(read(fd, buffer, 64) == 64, path);
    need(close(fd) == 0 && unlink(path) == 0, path);
}

static const struct {
    const char *name;
    void (*run)(const char *root);
} phases[] = {
    {"create", create}, {"stat", look},     {"read", read_all}, {"readdir", list},
    {"rename", move},   {"unlink", destroy}, {"missing", miss},  {"big", big},      {"small", small},
};

int main(int argc, char **argv) {
    need(argc == 3, "files PHASE DIRECTORY");
    for (unsigned phase = 0; phase < sizeof phases / sizeof *phases; phase++)
        if (strcmp(phases[phase].name, argv[1]) == 0) {
            phases[phase].run(argv[2]);
            return 0;
        }
    need(0, argv[1]);
}
