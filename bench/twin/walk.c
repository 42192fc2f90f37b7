/*
 * The C twin of the walk: what src/hardware/paging/walk.ts does for 4-level paging, and for 4-level paging behind EPT, on
 * flat memory: presence, reserved bits, the rights of all entries, page size at two levels, accessed and dirty flags, a
 * count of references, and what each level said. It is a yardstick of speed, not of rules: no other mode, no refusal in
 * full. Tables, generator and checksum are those of benchMachine.ts and loops.ts.
 *
 *   gcc -O2 -march=native -o walk walk.c && ./walk native 3000000
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGES 262144u
#define FRAMES 0x00800000u
#define TABLES 0x01000000u
#define TEST_TABLES 0x01010000u
#define NESTED 0x02000000u
#define NESTED_LOW 0x02010000u
#define NESTED_HIGH 0x02100000u
#define REGION 0x40000000u
#define MEMORY 0x04000000u
#define ROUNDS 7

enum { MAPPED, PAGE_FAULT, EPT_VIOLATION, EPT_MISCONFIGURATION };
enum { WRITABLE = 1, USER = 2, EXECUTABLE = 4 };

typedef struct {
  uint64_t present, accessed, dirty, leaf, frame;
  uint64_t reserved[5][2];
  uint8_t illegal[2][64];
  int is_ept;
} format;

typedef struct space {
  const format *format;
  uint64_t root;
  uint8_t permissions[16][8];
  int accessed_dirty;
  struct space *nested;
  /* What the walk learned. */
  uint64_t entry[5], entry_address[5];
  uint64_t gpa, hpa;
  int level, rights, references, page_shift;
  uint64_t counter;
} space;

static uint8_t *memory;

static inline uint64_t load(uint64_t address) {
  uint64_t value;
  if (address >= MEMORY) return ~0ull;
  memcpy(&value, memory + address, 8);
  return value;
}

static inline void store(uint64_t address, uint64_t value) {
  if (address < MEMORY) memcpy(memory + address, &value, 8);
}

static inline int refuse(const space *s, int misconfigured) {
  return !s->format->is_ept ? PAGE_FAULT : misconfigured ? EPT_MISCONFIGURATION : EPT_VIOLATION;
}

static inline int rights_of(const format *f, uint64_t entry) {
  return f->is_ept ? (int)(entry & 7) : (int)((entry >> 1) & 3) | (int)(((~entry) >> 63) << 2);
}

/* `inner` is known where it is called, so that each dimension has a body of its own, as the generated walks have. */
static inline __attribute__((always_inline)) int walk_one(space *s, uint64_t address, int access, int inner);

static __attribute__((noinline)) int walk_inner(space *s, uint64_t address, int access) {
  return walk_one(s, address, access, 1);
}

static inline __attribute__((always_inline)) int walk_one(space *s, uint64_t address, int access, int inner) {
  const format *f = s->format;
  uint64_t table = s->root, entry = 0;
  uint64_t places[5];
  int rights = 7, level = 4;
  if (!inner || s->nested == NULL) s->references = 0;
  for (;; level--) {
    int shift = 12 + 9 * (level - 1);
    uint64_t at = table | (((address >> shift) & 511) << 3);
    s->entry_address[level] = at;
    if (s->nested != NULL) {
      int outcome = walk_inner(s->nested, at, 0);
      if (outcome != MAPPED) return outcome;
      at = s->nested->hpa;
    }
    places[level] = at;
    entry = load(at);
    s->entry[level] = entry;
    s->references++;
    s->counter++;
    s->level = level;
    if ((entry & f->present) == 0) return refuse(s, 0);
    int leaf = level == 1 || (level <= 3 && (entry & f->leaf) != 0);
    if (f->illegal[leaf][entry & 63] != 0 || (entry & f->reserved[level][leaf]) != 0) return refuse(s, 1);
    rights &= rights_of(f, entry);
    if (leaf) break;
    table = entry & f->frame;
  }
  s->rights = rights;
  if (s->permissions[access][rights] == 0) return refuse(s, 0);
  if (s->accessed_dirty) {
    for (int i = 4; i >= level; i--) {
      uint64_t flags = i == level && (access & 1) ? f->accessed | f->dirty : f->accessed;
      if ((s->entry[i] & flags) != flags) {
        s->entry[i] |= flags;
        store(places[i], s->entry[i]);
      }
    }
  }
  int shift = 12 + 9 * (level - 1);
  uint64_t offset = (1ull << shift) - 1;
  s->page_shift = shift;
  s->gpa = (entry & f->frame & ~offset) | (address & offset);
  s->hpa = s->gpa;
  if (s->nested != NULL) {
    int outcome = walk_inner(s->nested, s->gpa, access & 3);
    if (outcome != MAPPED) return outcome;
    s->hpa = s->nested->hpa;
    if (s->nested->page_shift < shift) s->page_shift = s->nested->page_shift;
  }
  return MAPPED;
}

static __attribute__((noinline)) int walk(space *s, uint64_t address, int access) {
  return walk_one(s, address, access, 0);
}

static void put(uint32_t address, uint64_t value) { store(address, value); }

static void write_tables(int behind) {
  put(TABLES, (TABLES + 0x1000) | 7);
  put(TABLES + 0x1000, (TABLES + 0x2000) | 7);
  put(TABLES + 0x1008, (TABLES + 0x3000) | 7);
  for (uint32_t i = 0; i < 512; i++) {
    put(TABLES + 0x2000 + i * 8, (i << 21) | 0x87);
    put(TABLES + 0x3000 + i * 8, (TEST_TABLES + i * 4096) | 7);
  }
  for (uint64_t page = 0; page < PAGES; page++) {
    put(TEST_TABLES + page * 8, (behind ? 0x100000000ull + page * 4096 : FRAMES + (page & 63) * 4096) | 7);
  }
  if (!behind) return;
  put(NESTED, (NESTED + 0x1000) | 7);
  put(NESTED + 0x1000, (NESTED + 0x2000) | 7);
  put(NESTED + 0x1000 + 4 * 8, (NESTED + 0x3000) | 7);
  for (uint32_t i = 0; i < 32; i++) put(NESTED + 0x2000 + i * 8, (NESTED_LOW + i * 4096) | 7);
  for (uint32_t page = 0; page < 32 * 512; page++) put(NESTED_LOW + page * 8, (page * 4096) | 0x37);
  for (uint32_t i = 0; i < 512; i++) put(NESTED + 0x3000 + i * 8, (NESTED_HIGH + i * 4096) | 7);
  for (uint32_t page = 0; page < PAGES; page++) put(NESTED_HIGH + page * 8, (FRAMES + (page & 63) * 4096) | 0x37);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  static format guest, ept;
  static space linear, nested;
  int behind = argc > 1 && strcmp(argv[1], "ept") == 0;
  uint32_t iterations = argc > 2 ? (uint32_t)atoi(argv[2]) : 3000000;
  memory = calloc(MEMORY, 1);
  write_tables(behind);

  const uint64_t above = 0x000fc00000000000ull; /* bits 51:46, above MAXPHYADDR */
  guest = (format){ .present = 1, .accessed = 0x20, .dirty = 0x40, .leaf = 0x80, .frame = 0x000ffffffffff000ull };
  ept = (format){ .present = 7, .accessed = 0x100, .dirty = 0x200, .leaf = 0x80, .frame = 0x000ffffffffff000ull, .is_ept = 1 };
  for (int level = 1; level <= 4; level++) {
    for (int leaf = 0; leaf < 2; leaf++) {
      uint64_t large = leaf && level == 3 ? 0x3fffe000ull : leaf && level == 2 ? 0x1fe000ull : 0;
      guest.reserved[level][leaf] = above | large | (level == 4 ? 0x80 : 0);
      ept.reserved[level][leaf] = above | (leaf && level > 1 ? large | 0x1000 : 0) | (level == 4 ? 0xf8 : leaf ? 0 : 0x78);
    }
  }
  for (int low = 0; low < 64; low++) {
    ept.illegal[0][low] = (low & 3) == 2;
    int type = low >> 3;
    ept.illegal[1][low] = (low & 3) == 2 || type == 2 || type == 3 || type == 7;
  }
  linear = (space){ .format = &guest, .root = TABLES, .accessed_dirty = 1, .nested = behind ? &nested : NULL };
  nested = (space){ .format = &ept, .root = NESTED };
  for (int access = 0; access < 16; access++) {
    for (int rights = 0; rights < 8; rights++) {
      int user = access & 4, write = access & 1, fetch = access & 2;
      linear.permissions[access][rights] = (!user || (rights & USER)) && (!write || (rights & WRITABLE)) && (!fetch || (rights & EXECUTABLE));
      nested.permissions[access][rights] = write ? (rights & 2) != 0 : fetch ? (rights & 4) != 0 : (rights & 1) != 0;
    }
  }

  double times[ROUNDS];
  uint32_t sum = 0;
  for (int round = 0; round < ROUNDS; round++) {
    uint32_t x = 12345;
    sum = 0;
    double start = seconds();
    for (uint32_t i = 0; i < iterations; i++) {
      x = x * 1664525u + 1013904223u;
      int outcome = walk(&linear, REGION | (uint64_t)((x >> 14) << 12), 0);
      sum += outcome == MAPPED ? (uint32_t)linear.hpa : (uint32_t)outcome;
    }
    times[round] = (seconds() - start) / iterations * 1e9;
  }
  qsort(times, ROUNDS, sizeof times[0], compare);
  printf("{\"iteration\": %.3f, \"checksum\": %d, \"references\": %d}\n", times[ROUNDS / 2], (int32_t)sum,
    linear.references + nested.references);
  return 0;
}
