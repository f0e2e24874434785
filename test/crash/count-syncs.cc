// Preloaded into a process, it writes a line into the file that SYNC_LOG names whenever fsync or
// fdatasync has done its work: which of the two, and the path of the file that is on the disk now.
#include <dlfcn.h>
#include <fcntl.h>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace {

using Sync = int (*)(int);

void note(const char *call, int synced) {
  static const char *log = std::getenv("SYNC_LOG");
  if (log == nullptr) return;
  char link[64], path[1024], line[1152];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", synced);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = '\0';
  int size = std::snprintf(line, sizeof line, "%s %s\n", call, path);
  int file = open(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (file < 0 || write(file, line, size) != size) std::abort();
  close(file);
}

int pass(const char *call, int file) {
  int result = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, call))(file);
  if (result == 0) note(call, file);
  return result;
}

}  // namespace

extern "C" int fsync(int file) { return pass("fsync", file); }
extern "C" int fdatasync(int file) { return pass("fdatasync", file); }
