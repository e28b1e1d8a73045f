/* A block of customers on its way through the month: columns copied in (narrow integers as int32, so that every loop
   runs over lanes of one width), uniforms, and what rules hand on to one another. None can overlap another; a block is
   filled up with closed rows to `groups` of 16, so that loops run over whole registers. */

#include "inputs.h"
#include "numerics.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#ifndef BLOCK
#define BLOCK 512
#endif
#define LANES 16 /* a block's length is filled up to whole registers of so many rows */
#define EACH_ROW for (int i = 0; i < LANES * groups; i++)
#define EACH for (int i = fetch_some(&b->next); i < LANES * groups; i++)
#define ALIGNED __attribute__((aligned(64)))

/* name, type while in a block, value that fills up */
#define READ_ONLY(X) \
    X(uid, uint64_t, 0) X(weight, uint32_t, 0) X(joined_month, int32_t, 0) X(age, float, 40) X(preferred, int32_t, 0) \
    X(affinity, float, 0) X(need, float, 0) X(wallet_mean, float, 0) X(engagement_mean, float, 0) \
    X(log_frailty, float, 0) X(follow, float, 0) X(uplift_class, int32_t, 0) \
    X(year_start, int32_t, 0)

#define LIVED_ASLEEP(X) /* changes in the month of somebody dormant too */ \
    X(aum, float, 0) X(state, int32_t, CLOSED) X(tier, int32_t, 0) X(manager, int32_t, NOBODY) \
    X(contact_gap, int32_t, 0) X(silence, int32_t, 0) X(aum_2, float, 0) X(below, int32_t, 0) \
    X(tier_change, int32_t, 0) X(opted_out, int32_t, 0) X(attempts, int32_t, 0) X(retained, int32_t, 0) \
    X(traits, int32_t, 0) X(log_wealth, float, 0) X(wealth_mean, float, 0) X(wallet, float, 0) \
    X(satisfaction, float, 0) X(expectation, float, 0) X(trust, float, 0) X(engagement, float, 0) X(bond, float, 0) \
    X(pressure, float, 0) X(open_failure, float, 0) X(manager_change, int32_t, 0) \
    X(follow_months, int32_t, 0) X(second_life, int32_t, 0) X(risk, float, 0) X(transactions, int32_t, 0)

#define LIVED_AWAKE(X) /* changes only in that of somebody active */ \
    X(products, int32_t, 1) X(adopted, int32_t, 0) X(opt_out_month, int32_t, 0) X(last_channel, int32_t, NOBODY) \
    X(contacts, int32_t, 0)

#define UNTOUCHED(X) X(first_tier, , ) X(income, , ) X(year_ago, , )

#define ONE_MORE(...) +1
_Static_assert(READ_ONLY(ONE_MORE) LIVED_ASLEEP(ONE_MORE) LIVED_AWAKE(ONE_MORE) UNTOUCHED(ONE_MORE) == N_COLUMNS,
               "a column is in none of the lists, or in two");

#define FLOATS(X) \
    X(boost) X(chosen) X(keep) X(closer) X(reached) X(offered) X(experience) X(human) X(felt) X(surprise) \
    X(failed) X(complained) X(recovered) X(betrayed) X(score) X(money) X(held) /* share of the wallet that is here */ X(odds) /* 1 + exp(-wallet) */ \
    X(skill) /* of the own manager, 0 without one */ X(a) X(b) X(c) X(d) X(e) X(f) X(g) X(h) /* read off tables */
#define INTEGERS(X) \
    X(channel) X(keeping) X(made_sale) X(opted) X(taken) X(after) X(new_tier) X(plan) X(some) X(index)

/* The columns of the next block, asked for line by line while this one lives: a few before each loop over rows, as many
   as memory can be waiting for. */
typedef struct {
    const char *at[N_COLUMNS + 1], *end[N_COLUMNS + 1];
    int column;
} Next;

INLINE int fetch_some(Next *next) {
    const char *at = next->at[next->column], *end = next->end[next->column];
    if (at == end) return 0;
    for (int line = 0; line < 64 && at < end; line++, at += 64) __builtin_prefetch(at, 0, 2);
    next->at[next->column] = at;
    next->column += at >= end;
    return 0;
}

typedef struct {
    Next next;
#define COLUMN(name, type, fill) type name[BLOCK] ALIGNED;
    READ_ONLY(COLUMN) LIVED_ASLEEP(COLUMN) LIVED_AWAKE(COLUMN)
#define FLOAT(name) float name[BLOCK] ALIGNED;
    struct { FLOATS(FLOAT)
#define INTEGER(name) int32_t name[BLOCK] ALIGNED;
    INTEGERS(INTEGER) } w;
    float u[N_DRAWS][BLOCK] ALIGNED;
    int64_t before[BLOCK] ALIGNED, worth[BLOCK] ALIGNED, growth[BLOCK] ALIGNED; /* AUM in fen */
    double grown[BLOCK] ALIGNED;
    int32_t list[BLOCK + 16] ALIGNED, wishes[BLOCK + 16] ALIGNED;
    int managed, wished; /* how many have a manager, are wished a contact */
} Block;

INLINE void read_columns(Block *restrict b, const Columns *restrict c, const int8_t *restrict plan, int64_t first, int m,
                         int groups) {
#define READ(name, type, fill) \
    for (int i = 0; i < m; i++) b->name[i] = c->name[first + i]; \
    for (int i = m; i < LANES * groups; i++) b->name[i] = fill;
    READ_ONLY(READ) LIVED_ASLEEP(READ) LIVED_AWAKE(READ)
    for (int i = 0; i < m; i++) b->w.plan[i] = plan[first + i];
    for (int i = m; i < LANES * groups; i++) b->w.plan[i] = NOBODY;
}

INLINE void next_columns(Block *restrict b, const Columns *restrict c, int64_t first, int m) {
    int n = 0;
#define NEXT(name, type, fill) \
    b->next.at[n] = (const char *)(c->name + first); \
    b->next.end[n++] = (const char *)(c->name + first + m);
    LIVED_ASLEEP(NEXT) READ_ONLY(NEXT) LIVED_AWAKE(NEXT)
    b->next.at[n] = b->next.end[n] = 0;
    b->next.column = 0;
}

#define WRITE(name, type, fill) for (int i = 0; i < m; i++) c->name[first + i] = b->name[i];
INLINE void write_asleep(const Block *restrict b, const Columns *restrict c, int64_t first, int m) {
    LIVED_ASLEEP(WRITE)
}
INLINE void write_awake(const Block *restrict b, const Columns *restrict c, int64_t first, int m) {
    LIVED_AWAKE(WRITE)
}

/* out[i] = table[at[i]]; up to 16 entries stay in a register */
INLINE void look(const float *restrict table, int size, const int32_t *restrict at, float *restrict out, int groups) {
#ifdef __AVX512F__
    if (size <= 16) {
        __m512 all = _mm512_maskz_loadu_ps((__mmask16)((1u << size) - 1), table);
        for (int i = 0; i < LANES * groups; i += LANES)
            _mm512_store_ps(out + i, _mm512_permutexvar_ps(_mm512_load_si512(at + i), all));
        return;
    }
#endif
    EACH_ROW out[i] = table[at[i]];
}

/* Rows where `yes` is not zero, in order; returns how many. */
INLINE int rows_where(const int32_t *restrict yes, int32_t *restrict list, int groups) {
    int count = 0;
#ifdef __AVX512F__
    __m512i rows = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int i = 0; i < LANES * groups; i += LANES) {
        __m512i lanes = _mm512_load_si512(yes + i);
        __mmask16 mask = _mm512_test_epi32_mask(lanes, lanes);
        _mm512_storeu_si512(list + count, _mm512_maskz_compress_epi32(mask, rows));
        count += __builtin_popcount(mask);
        rows = _mm512_add_epi32(rows, _mm512_set1_epi32(16));
    }
#else
    EACH_ROW {
        list[count] = i;
        count += yes[i] != 0;
    }
#endif
    return count;
}

/* A table by tier: where all of a block are of tier `k` (`one`), a number; else read for each row. */
#define BY_TIER(name, table, room) \
    float name##_one = (table)[k], *name##_each = b->w.room; \
    if (!one) look(table, TIERS, b->tier, name##_each, groups);
#define TIER_S(name) (one ? name##_one : name##_each[i])
