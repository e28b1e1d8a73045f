/* One month of every customer in C: the rules of sim/kernel, in their order, with their bits.

   It is the limit that the kernel is measured against, so it is written for speed: blocks whose length the compiler
   knows, rules without branches, tables read from registers, rare events from short lists, draws only where somebody
   is active, and a short month for a block in which nobody is. Names are those of the kernel, where each rule and
   its sources are described. */

#include "block.h"

#define RULE INLINE void
/* What every rule is told of its block beside the columns; known when the rule is compiled but for `groups` and `k`. */
#define BLOCK_IS const int one, const int k, const int groups
#define AS_IT_IS one, k, groups
#define TIERS ((int)p->threshold_size)
#define MOST_TIERS 64

enum { BARRED = LOST - SILENCED, TOO_MANY = LOST - SPARED, FOR_KEEPING = 1, FOR_WELCOME = 2, NEW = 3 };
enum { MOST = 100, MOST_CONTACTS = 30000 };

/* --- draws ------------------------------------------------------------------------------------------------------- */

/* The four uniforms of `purpose`, from row `row` on.

   A word is held in a lane of 64 bits, whose upper half may be anything: a product takes the lower halves of two lanes,
   and the upper halves of what is not multiplied any more are cut off at the end. */
#ifdef __AVX512F__
#define ROUND_KEY(key, step, round) _mm512_set1_epi64((uint32_t)(key) + (uint32_t)(round) * (step))
#define XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)

/* Rounds `from` to 9 of four words. */
INLINE void philox_lanes(__m512i c[4], int from, uint64_t key0, uint64_t key1) {
    __m512i m0 = _mm512_set1_epi64(PHILOX_M0), m1 = _mm512_set1_epi64(PHILOX_M1);
#pragma GCC unroll 10
    for (int round = from; round < 10; round++) {
        __m512i left = _mm512_mul_epu32(c[0], m0), right = _mm512_mul_epu32(c[2], m1);
        c[0] = XOR3(_mm512_srli_epi64(right, 32), c[1], ROUND_KEY(key0, PHILOX_W0, round));
        c[2] = XOR3(_mm512_srli_epi64(left, 32), c[3], ROUND_KEY(key1, PHILOX_W1, round));
        c[1] = right;
        c[3] = left;
    }
}

/* 16 uniforms of 2 x 8 words. */
INLINE void store_uniforms(float *out, __m512i first, __m512i second) {
    const __m512i low = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512 whole = _mm512_cvtepi32_ps(_mm512_srli_epi32(_mm512_permutex2var_epi32(first, low, second), 9));
    _mm512_store_ps(out, _mm512_mul_ps(_mm512_add_ps(whole, _mm512_set1_ps(0.5f)), _mm512_set1_ps(0x1p-23f)));
}

/* The same for `count` purposes in a row. The purpose is the last word of the counter: in the first three rounds four of
   the six products do not know it yet, and are shared. */
INLINE void draw_purposes(BLOCK_IS, Block *restrict b, const Now *restrict now, int row, uint32_t purpose, const int count,
                          uint64_t word) {
    uint64_t key0 = now->key0, key1 = now->key1;
    __m512i m0 = _mm512_set1_epi64(PHILOX_M0), m1 = _mm512_set1_epi64(PHILOX_M1);
    uint64_t right0 = (uint64_t)(uint32_t)word * PHILOX_M1; /* of the month, the same for everybody */
    for (int i = 0; i < LANES * groups; i += LANES) {
        __m512i left0[2], c0[2], left1[2], c2[2];
        for (int half = 0; half < 2; half++) {
            __m512i uid = _mm512_load_si512(b->uid + i + 8 * half);
            left0[half] = _mm512_mul_epu32(uid, m0);
            c0[half] = XOR3(_mm512_set1_epi64((int64_t)(right0 >> 32)), _mm512_srli_epi64(uid, 32), ROUND_KEY(key0, PHILOX_W0, 0));
            left1[half] = _mm512_mul_epu32(c0[half], m0);
            c2[half] = XOR3(_mm512_srli_epi64(left1[half], 32), left0[half], ROUND_KEY(key1, PHILOX_W1, 1));
        }
        for (int d = 0; d < count; d++) {
            __m512i c[2][4];
            for (int half = 0; half < 2; half++) {
                __m512i own = XOR3(_mm512_srli_epi64(left0[half], 32), _mm512_set1_epi64(purpose + d), ROUND_KEY(key1, PHILOX_W1, 0));
                __m512i right1 = _mm512_mul_epu32(own, m1);
                c[half][0] = XOR3(_mm512_srli_epi64(right1, 32), _mm512_set1_epi64((int64_t)right0), ROUND_KEY(key0, PHILOX_W0, 1));
                c[half][1] = right1;
                c[half][2] = c2[half];
                c[half][3] = left1[half];
                philox_lanes(c[half], 2, key0, key1);
            }
            for (int lane = 0; lane < 4; lane++) store_uniforms(b->u[row + 4 * d + lane] + i, c[0][lane], c[1][lane]);
        }
    }
}

RULE draw(BLOCK_IS, Block *restrict b, const Now *restrict now, int row, uint32_t purpose, uint64_t word) {
    draw_purposes(AS_IT_IS, b, now, row, purpose, 1, word);
}

RULE draw_awake(BLOCK_IS, Block *restrict b, const Now *restrict now) {
    draw_purposes(AS_IT_IS, b, now, U_shock, DRAW_LIFE, 4, now->word);
}
#else
RULE draw(BLOCK_IS, Block *restrict b, const Now *restrict now, int row, uint32_t purpose, uint64_t word) {
    uint32_t key0 = (uint32_t)now->key0, key1 = (uint32_t)now->key1;
    EACH {
        uint32_t c0 = (uint32_t)b->uid[i], c1 = (uint32_t)(b->uid[i] >> 32), c2 = (uint32_t)word, c3 = purpose;
#pragma GCC unroll 10
        for (uint32_t round = 0; round < 10; round++) {
            uint64_t left = (uint64_t)c0 * PHILOX_M0, right = (uint64_t)c2 * PHILOX_M1;
            c0 = (uint32_t)(right >> 32) ^ c1 ^ (key0 + round * PHILOX_W0);
            c1 = (uint32_t)right;
            c2 = (uint32_t)(left >> 32) ^ c3 ^ (key1 + round * PHILOX_W1);
            c3 = (uint32_t)left;
        }
        b->u[row][i] = unit_interval(c0);
        b->u[row + 1][i] = unit_interval(c1);
        b->u[row + 2][i] = unit_interval(c2);
        b->u[row + 3][i] = unit_interval(c3);
    }
}

RULE draw_awake(BLOCK_IS, Block *restrict b, const Now *restrict now) {
    for (uint32_t d = 0; d < 4; d++) draw(AS_IT_IS, b, now, U_shock + 4 * (int)d, DRAW_LIFE + d, now->word);
}
#endif
_Static_assert(DRAW_LIFE == 0 && DRAW_SERVICE == 1 && DRAW_CONTACT == 2 && DRAW_DIGITAL == 3 && U_experience == 4
                   && U_reach == 8 && U_adopt == 12,
               "the four purposes of the active follow one another");

/* --- wealth, service --------------------------------------------------------------------------------------------- */

RULE move_wealth(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float low = p->event_rate * p->relocation_part, high = low + p->event_rate * p->inheritance_part;
    float jump = p->inheritance_jump, reversion = p->wealth_reversion, sd = p->wealth_sd, growth = p->wealth_growth;
    BY_TIER(market, now->market, a)
    EACH {
        int inherits = (b->u[U_event][i] >= low) & (b->u[U_event][i] < high);
        float drift = TIER_S(market) + (inherits ? jump : 0.0f);
        float x = b->log_wealth[i], m = b->wealth_mean[i];
        b->log_wealth[i] = x + reversion * (m - x) + sd * student_t4_of(b->u[U_shock][i]) + drift;
        b->wealth_mean[i] = m + (drift + growth);
    }
}

RULE find_skill(BLOCK_IS, Block *restrict b, const Now *restrict now) {
    EACH {
        b->w.some[i] = b->manager[i] >= 0;
        b->w.skill[i] = 0.0f;
    }
    b->managed = rows_where(b->w.some, b->list, groups);
    for (int place = 0; place < b->managed; place++) {
        int i = b->list[place];
        b->w.skill[i] = now->manager_quality[b->manager[i]];
    }
}

RULE serve(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float human = p->experience_human, other = p->experience_other, digital = p->experience_digital;
    float app_weight = p->app_weight, ratio = now->failure_ratio, complain = p->complain_share;
    float badly_app = p->failure_human * ratio, badly_other = p->failure_other * ratio;
    float risk_app = p->failure_digital * ratio;
    float solve = p->complain_share * now->resolution, still_open = p->still_open, fading = p->failure_fading;
    EACH {
        int app = b->adopted[i] != 0, awake = b->state[i] == ACTIVE;
        float visits = app ? human : other, uses = app ? digital : other;
        float lot = b->u[U_experience][i], trouble = b->u[U_failure][i], voice = b->u[U_complaint][i];
        float weight = lot < visits ? 1.0f : (lot < uses ? app_weight : 0.0f);
        float badly = app ? badly_app : badly_other, risk = app ? risk_app : badly_other;
        float failed = awake & (trouble < risk) ? 1.0f : 0.0f;
        float spoilt = (trouble < badly ? 1.0f : app_weight) * failed;
        float cry = voice < complain ? failed : 0.0f;
        float solved = voice < solve ? cry : 0.0f;
        int second = b->open_failure[i] > still_open;
        b->w.failed[i] = failed;
        b->w.human[i] = (lot < visits) | (trouble < badly) ? 1.0f : 0.0f;
        b->w.experience[i] = max_of(awake ? weight : 0.0f, spoilt);
        b->w.complained[i] = cry;
        b->w.recovered[i] = second ? 0.0f : solved;
        b->w.betrayed[i] = second ? failed : 0.0f;
        b->open_failure[i] = b->open_failure[i] * fading + (failed - solved);
    }
    float drop_once = p->failure_drop * 1.0f, drop_twice = p->failure_drop * p->double_deviation;
    float share = p->manager_share, spread_app = p->app_spread, rise = now->expectation_rise;
    float sd[4];
    for (int j = 0; j < 4; j++) sd[j] = p->quality_sd * now->quality_sd_ratio[j];
    BY_TIER(without, now->quality_shift, a)
    BY_TIER(with_one, now->quality_shift + TIERS, b)
    EACH {
        int managed = b->manager[i] >= 0, app = b->adopted[i] != 0;
        float of_app = managed ? sd[3] : sd[1], of_other = managed ? sd[2] : sd[0];
        float drop = b->w.betrayed[i] > 0.0f ? drop_twice : drop_once;
        float spread = app ? of_app : of_other, with = b->w.human[i];
        float quality = (managed ? TIER_S(with_one) : TIER_S(without)) + share * b->w.skill[i] * with
                        + spread * (with + (1.0f - with) * spread_app) * normal_of(b->u[U_quality][i])
                        - b->w.failed[i] * drop;
        b->w.felt[i] = b->w.experience[i] * quality;
        b->w.surprise[i] = b->w.experience[i] * (quality - b->expectation[i] - rise);
    }
}

/* --- scores and contacts ----------------------------------------------------------------------------------------- */

RULE aim(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    if (now->by_uplift) {
        float known = now->know_uplift, noise = sqrtf(max_of(1.0f - known * known, 0.0f));
        look(p->saved, (int)p->saved_size, b->uplift_class, b->w.a, groups);
        BY_TIER(middle, now->gain_mean, b)
        BY_TIER(sd, now->gain_sd, c)
        EACH {
            float gain = exp_of(b->risk[i]) * b->w.a[i];
            b->w.keep[i] = known * ((gain - TIER_S(middle)) / TIER_S(sd)) + noise * normal_of(b->u[U_uplift_noise][i]);
        }
    } else {
        float known = now->know_churn, noise = sqrtf(max_of(1.0f - known * known, 0.0f));
        BY_TIER(middle, now->risk_mean, b)
        BY_TIER(sd, now->risk_sd, c)
        EACH b->w.keep[i] = known * ((b->risk[i] - TIER_S(middle)) / TIER_S(sd)) + noise * normal_of(b->u[U_churn_noise][i]);
    }
    float known = now->know_offer, noise = sqrtf(max_of(1.0f - known * known, 0.0f));
    float targeting = now->targeting, factor = now->offer_boost, cut = now->offer_cut, retain_cut = now->retain_cut;
    EACH {
        float offer = known * b->need[i] + noise * normal_of(b->u[U_offer_noise][i]);
        float above = offer > cut ? factor : 0.0f;
        b->w.boost[i] = 1.0f - targeting + targeting * above;
        b->w.chosen[i] = b->w.keep[i] > retain_cut ? 1.0f : 0.0f;
    }
}

static int any(const float *table, int64_t size) {
    for (int64_t j = 0; j < size; j++)
        if (table[j] != 0.0f) return 1;
    return 0;
}

/* Pieces of the uniform of campaigns, channel by channel: where they end, and how many the uniform has passed. */
INLINE void cut_pieces(BLOCK_IS, Block *restrict b, const float *restrict table, float outreach, float from,
                       const float *restrict factor, const int scored, float *restrict end, int32_t *restrict passed,
                       const Rates *restrict p) {
    float without[N_CHANNELS], call[N_CHANNELS], chance[N_CHANNELS];
    for (int channel = 0; channel < N_CHANNELS; channel++) {
        without[channel] = p->without_app[channel];
        call[channel] = outreach * p->remote_calls[channel];
        chance[channel] = table[k * N_CHANNELS + channel];
    }
    if (one)
        EACH {
            float until = end[i];
            int32_t count = 0;
#pragma GCC unroll 8
            for (int channel = 0; channel < N_CHANNELS; channel++) {
                float open_to = max_of(b->adopted[i] != 0 ? 1.0f : 0.0f, without[channel]);
                float rate = scored ? chance[channel] * factor[i] : chance[channel];
                float called = (k == 0) & (b->aum[i] >= from) ? call[channel] : 0.0f;
                until = until + rate * open_to + called;
                count += b->u[U_campaign][i] >= until;
            }
            end[i] = until;
            passed[i] = count;
        }
    else
        for (int channel = 0; channel < N_CHANNELS; channel++) {
            float of[MOST_TIERS];
            for (int j = 0; j < TIERS; j++) of[j] = table[j * N_CHANNELS + channel];
            look(of, TIERS, b->tier, b->w.a, groups);
            float closed_to = without[channel], calls = call[channel];
            if (scored) EACH b->w.a[i] = b->w.a[i] * factor[i];
            EACH {
                float open_to = max_of(b->adopted[i] != 0 ? 1.0f : 0.0f, closed_to);
                float called = (b->tier[i] == 0) & (b->aum[i] >= from) ? calls : 0.0f;
                end[i] = end[i] + b->w.a[i] * open_to + called;
                passed[i] += b->u[U_campaign][i] >= end[i];
            }
        }
}

RULE reach_out(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float *end = b->w.e, *offers_end = b->w.f;
    int32_t *offering = b->w.channel, *saving = b->w.keeping;
    int scored = now->scored && any(now->retain, now->retain_size);
    EACH {
        end[i] = 0.0f;
        offering[i] = saving[i] = 0;
    }
    if (any(now->campaign, now->campaign_size) || now->outreach != 0.0f) {
        if (now->scored)
            cut_pieces(AS_IT_IS, b, now->campaign, now->outreach, now->outreach_from, b->w.boost, 1, end, offering, p);
        else
            cut_pieces(AS_IT_IS, b, now->campaign, now->outreach, now->outreach_from, b->w.boost, 0, end, offering, p);
    }
    EACH offers_end[i] = end[i];
    if (scored) cut_pieces(AS_IT_IS, b, now->retain, 0.0f, 0.0f, b->w.chosen, 1, end, saving, p);
    EACH {
        float lot = b->u[U_campaign][i];
        int32_t free = b->manager[i] < 0, planned = b->w.plan[i];
        int32_t picked = free & (lot < offers_end[i]), saved = free & (lot >= offers_end[i]) & (lot < end[i]);
        int32_t by_campaign = picked ? offering[i] : (saved ? saving[i] : NOBODY);
        int32_t wanted = planned >= 0 ? (planned & CHANNEL_BITS) : by_campaign;
        int32_t silenced = (b->opted_out[i] >> most(wanted, 0)) & 1;
        int32_t asked = (b->state[i] == ACTIVE) & (wanted >= 0);
        int32_t channel = silenced != 0 ? BARRED : wanted;
        int32_t keeping = (planned & RETENTION) != 0;
        b->w.channel[i] = asked ? channel : NOBODY;
        b->w.keeping[i] = planned >= 0 ? keeping : saved;
    }
}

RULE welcome(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float chance[N_CHANNELS], without[N_CHANNELS];
    for (int channel = 0; channel < N_CHANNELS; channel++) {
        chance[channel] = now->welcome[channel];
        without[channel] = p->without_app[channel];
    }
    int32_t month = (int32_t)now->month;
    EACH {
        float app = b->adopted[i] != 0 ? 1.0f : 0.0f, left = 1.0f - b->u[U_campaign][i], end = 0.0f;
        int32_t way = 0;
#pragma GCC unroll 8
        for (int channel = 0; channel < N_CHANNELS; channel++) {
            end = end + chance[channel] * max_of(app, without[channel]);
            way += left >= end;
        }
        way = least(way, N_CHANNELS - 1);
        int32_t new = (month - b->joined_month[i] <= NEW) & (b->state[i] == ACTIVE);
        int32_t free = (b->w.channel[i] == NOBODY) & (b->w.plan[i] == NOBODY);
        int32_t wanted = new & free & (left < end);
        int32_t silenced = (b->opted_out[i] >> way) & 1;
        int32_t channel = silenced != 0 ? BARRED : way;
        b->w.channel[i] = wanted ? channel : b->w.channel[i];
        b->w.keeping[i] = wanted ? FOR_WELCOME : b->w.keeping[i];
    }
}

/* What fades without a contact, and that none was made yet. */
RULE forget(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    int32_t campaign_end = now->month % p->campaign_months == 0, month = (int32_t)now->month;
    float memory = p->pressure_memory, months = p->opt_out_months;
    EACH {
        b->pressure[i] = b->pressure[i] * memory;
        b->opted_out[i] = (float)(month - b->opt_out_month[i]) >= months ? 0 : b->opted_out[i];
        b->contact_gap[i] = least(b->contact_gap[i] + 1, MOST);
        b->w.index[i] = b->attempts[i]; /* before a campaign's end */
        b->attempts[i] = campaign_end ? 0 : b->attempts[i];
    }
    EACH {
        b->w.reached[i] = b->w.offered[i] = b->w.closer[i] = 0.0f;
        b->w.made_sale[i] = b->w.opted[i] = 0;
        b->traits[i] &= ~BROWSED;
    }
}

/* Rows with a wish for a contact, kept or lost. */
RULE list_wishes(BLOCK_IS, Block *restrict b) {
    EACH b->w.some[i] = (b->w.channel[i] != NOBODY) | (b->w.plan[i] < NOBODY);
    b->wished = rows_where(b->w.some, b->wishes, groups);
}

/* What contacts do to those who are wished for, one after the other. */
RULE meet(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    int32_t campaign_end = now->month % p->campaign_months == 0, month = (int32_t)now->month;
    for (int place = 0; place < b->wished; place++) {
        int i = b->wishes[place], planned = b->w.plan[i], c = b->w.channel[i], last = b->last_channel[i];
        int tier = one ? k : b->tier[i];
        if (c < 0) continue;
        int switched = (last >= 0) & (last != c);
        float easy = c == b->preferred[i] ? p->preferred_relief : 1.0f;
        float burden = p->pressure[c] * easy * (switched ? p->channel_change : 1.0f);
        float pressure = b->pressure[i] + burden;
        if (planned < 0 && pressure > now->pressure_cap) {
            b->w.channel[i] = TOO_MANY;
            continue;
        }
        b->pressure[i] = pressure;
        b->last_channel[i] = c;
        b->contacts[i] = least(b->contacts[i] + 1, MOST_CONTACTS);
        float hazard = p->opt_out_rate * exp_of(p->opt_out_slope * max_of(pressure - 1.0f, 0.0f));
        if (b->u[U_opt_out][i] < hazard) {
            b->w.opted[i] = 1;
            b->opted_out[i] |= 1 << c;
            b->opt_out_month[i] = month;
        }
        if (b->u[U_reach][i] >= p->reach[c]) continue;
        b->w.reached[i] = 1.0f;
        int own = (planned >= 0) & (b->manager[i] >= 0), followed = (planned >= 0) & ((planned & LEAD) != 0);
        int keeping = b->w.keeping[i], retained = b->retained[i];
        int offered = (b->u[U_push][i] < (planned >= 0 ? now->push_managers : now->push_share)) & (keeping == 0);
        int bought = (keeping == FOR_WELCOME) & (retained == 0) & (b->u[U_sale][i] < now->welcome_product);
        if (offered) {
            float warmth = (switched ? now->synergy : 0.0f) + (followed ? now->handoff : 0.0f);
            float pull = p->need_effect * b->need[i] + p->skill_effect * (own ? b->w.skill[i] : 0.0f)
                         + p->attempt_decay * (float)b->w.index[i] + warmth;
            pull = pull + (own ? p->bond_conversion * b->bond[i] : 0.0f);
            int near = own & (b->aum[i] >= p->near_threshold * p->ceiling[tier]);
            float chance = p->conversion[c] * now->conversion_ratio[tier] * exp_of(pull)
                           * (near ? p->near_threshold_effect : 1.0f)
                           * (b->u[U_event][i] < p->event_rate ? p->event_need : 1.0f);
            bought |= b->u[U_sale][i] < chance;
        }
        b->w.offered[i] = offered ? 1.0f : 0.0f;
        b->w.made_sale[i] = bought;
        b->attempts[i] = bought | campaign_end ? 0 : least(b->attempts[i] + offered, MOST);
        if (own) {
            float step = min_of(p->bond_step * max_of(1.0f + p->bond_skill * b->w.skill[i], 0.0f), 1.0f);
            b->w.closer[i] = (1.0f - b->bond[i]) * step;
            b->contact_gap[i] = 0;
        }
        if (keeping == FOR_KEEPING)
            b->retained[i] = p->retention_months;
        else if (keeping == FOR_WELCOME && retained <= 0)
            b->retained[i] = -(NEW + 1 - (month - b->joined_month[i]));
    }
}

RULE remember(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float fading = p->bond_fading, chance = p->lead_chance, need_effect = p->need_effect;
    EACH b->bond[i] = b->bond[i] * fading + b->w.closer[i];
    if (b->managed == 0) return;
    EACH {
        int32_t browses = (b->adopted[i] != 0) & (b->manager[i] >= 0) & (b->state[i] == ACTIVE);
        int32_t shows = browses & (b->u[U_campaign][i] < chance * exp_of(need_effect * b->need[i]));
        b->traits[i] = (b->traits[i] & ~BROWSED) | shows * BROWSED;
    }
}

/* --- feelings ---------------------------------------------------------------------------------------------------- */

RULE feel(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    int32_t month = (int32_t)now->month;
    float tenure_anchor = p->tenure_anchor, gain = p->gain, loss = p->loss, decay = p->satisfaction_decay;
    float performance = p->performance, recovery = p->recovery_gain, dislike = p->pressure_dislike;
    float from = p->pressure_from, speed = p->expectation_speed, rise = now->expectation_rise;
    float mu = p->satisfaction_mu, sd = p->satisfaction_sd, privacy = now->privacy * 2.0f, trust_speed = p->trust_speed;
    float breach = p->breach, memory = p->engagement_memory, noise = p->engagement_noise;
    EACH {
        float anchor = tenure_anchor / (tenure_anchor + (float)(month - b->joined_month[i]));
        float d = b->w.surprise[i], s = b->satisfaction[i];
        float learned = gain * anchor * max_of(d, 0.0f) - loss * anchor * max_of(-d, 0.0f) - decay * s;
        s = s + learned;
        s = s + performance * anchor * b->w.felt[i];
        s = s + recovery * b->w.recovered[i] - dislike * max_of(b->pressure[i] - from, 0.0f);
        float standard = (s - mu) / sd, trust = b->trust[i];
        float watched = privacy * (1.0f - b->affinity[i]);
        b->satisfaction[i] = s;
        b->expectation[i] = b->expectation[i] + speed * (d + b->w.experience[i] * rise);
        b->w.score[i] = standard;
        b->trust[i] = trust + trust_speed * (standard - watched - trust) - breach * b->w.betrayed[i];
    }
    EACH {
        float own = b->engagement_mean[i];
        b->engagement[i] = own + memory * (b->engagement[i] - own) + noise * normal_of(b->u[U_engagement][i]);
    }
}

/* --- products, the app, money ------------------------------------------------------------------------------------ */

RULE use_products(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float loss = p->product_loss, slope = p->transactions_slope, mean = p->transactions, by_app = p->transactions_app;
    float half = 0.5f * slope * slope;
    int32_t most_products = p->most_products;
    BY_TIER(gain, p->product_gain, a)
    EACH {
        int32_t awake = b->state[i] == ACTIVE;
        float extra = (float)b->products[i] - 1.0f, lot = b->u[U_product][i];
        int32_t lost = awake & (lot > 1.0f - loss * extra), own = awake & (lot < TIER_S(gain));
        int32_t new = least(own + b->w.made_sale[i], most(most_products - b->products[i], 0));
        b->w.taken[i] = new;
        b->products[i] = b->products[i] + new - lost;
    }
    EACH {
        int32_t awake = b->state[i] == ACTIVE;
        float use = b->u[U_use][i];
        float rate = mean * exp_of(slope * b->engagement[i] - half);
        rate = rate * (b->adopted[i] != 0 ? by_app : 1.0f);
        float none = exp_of(-rate);
        float above = min_of(max_of(rate / (1.0f - none) - 1.0f, 1e-6f), 1e6f);
        float rest = max_of((use - none) / (1.0f - none), 1e-7f);
        float count = 1.0f + log_of(rest) / log_of(above / (1.0f + above));
        int32_t whole = (int32_t)min_of(count, 255.0f);
        int32_t used = awake & (use >= none) ? whole : 0;
        b->transactions[i] = used;
        b->silence[i] = used > 0 ? 0 : least(b->silence[i] + 1, MOST);
    }
}

RULE adopt(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float years = (float)now->month / 12.0f, intercept = p->adoption_intercept, usefulness = p->adoption_usefulness;
    float mean = p->affinity_mean, sd = p->affinity_sd, by_trust = p->adoption_trust, trust_sd = p->trust_sd;
    float by_age = p->adoption_age, age_from = p->adoption_age_from, peers = p->adoption_peers * now->peers;
    float shift = now->adoption_shift, welcomed = now->welcome_adoption, on = p->adoption_on;
    EACH {
        float x = intercept + usefulness * (b->affinity[i] - mean) / sd + by_trust * b->trust[i] / trust_sd
                  - by_age * (b->age[i] + years - age_from) * 0.1f + peers + shift
                  + (b->retained[i] < 0 ? welcomed : 0.0f);
        int32_t yes = (b->u[U_adopt][i] * (1.0f + exp_of(-x)) < on) & (b->state[i] == ACTIVE);
        b->adopted[i] = yes ? 1 : b->adopted[i];
    }
}

RULE bring_money(BLOCK_IS, Block *restrict b, const Rates *restrict p) {
    int count = rows_where(b->w.made_sale, b->list, groups);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        b->wallet[i] = log_of(exp_of(b->wallet[i]) + p->money_brought) - p->log_left_elsewhere;
    }
}

RULE earn(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float digital[N_CHANNELS];
    for (int channel = 0; channel < N_CHANNELS; channel++)
        digital[channel] = p->multihoming_digital * p->multihoming_preferred[channel];
    float multihoming = p->wallet_multihoming, yield = p->wallet_yield * now->yield_gap;
    float by_score = p->wallet_satisfaction, by_contact = p->wallet_contact, by_bond = p->wallet_bond;
    float reversion = p->wallet_reversion, reduced = p->dormant_share;
    look(digital, N_CHANNELS, b->preferred, b->w.a, groups);
    BY_TIER(liquid, p->liquid_share, b)
    EACH {
        float elsewhere = (b->traits[i] & MULTIHOMER) != 0 ? 1.0f : 0.0f;
        float others = elsewhere * multihoming * (1.0f + (b->adopted[i] != 0 ? b->w.a[i] : 0.0f));
        float leak = yield * b->affinity[i] * TIER_S(liquid);
        float warm = by_score * b->w.score[i] + by_contact * b->w.reached[i];
        float x = b->wallet[i], mean = b->wallet_mean[i] + by_bond * b->bond[i];
        x = x + reversion * (mean - x) + (b->state[i] == ACTIVE ? warm : 0.0f) - others - leak;
        float odds = 1.0f + exp_of(-x);
        b->wallet[i] = x;
        b->w.odds[i] = odds;
        b->w.held[i] = (b->traits[i] & REDUCED) != 0 ? reduced : 1.0f;
        b->w.money[i] = b->w.held[i] * exp_of(b->log_wealth[i]) / odds;
    }
}

/* --- leaving, tiers ---------------------------------------------------------------------------------------------- */

/* What the hazard of one row is made of, by name. */
typedef struct {
    float bar, years, age_from, lowest, highest, products, products_most, score, trust, trust_sd, engagement, failure;
    float bond, gap, app, yield, promotion, planned, unplanned, age, age_square, pressure, pressure_most, second_life, relocation, welcome, on;
    int32_t gap_months;
} Effects;

INLINE Effects effects_of(const Now *restrict now, const Rates *restrict p) {
    return (Effects){
        .bar = p->event_rate * p->relocation_part, .years = (float)now->month / 12.0f, .age_from = p->age_from,
        .lowest = p->age_lowest, .highest = p->age_highest, .products = p->b_products,
        .products_most = p->products_most, .score = p->b_satisfaction, .trust = p->b_trust, .trust_sd = p->trust_sd,
        .engagement = p->b_engagement, .failure = p->b_failure, .bond = p->b_bond, .gap = p->b_gap, .app = p->b_app,
        .yield = p->b_yield * now->yield_gap, .promotion = p->b_promotion, .planned = p->b_change_planned,
        .unplanned = p->b_change_unplanned, .age = p->b_age,
        .age_square = p->b_age_square, .pressure = p->b_pressure, .pressure_most = p->pressure_most,
        .second_life = p->b_second_life, .relocation = p->b_relocation, .welcome = now->welcome_hazard,
        .on = p->covariates_on, .gap_months = p->gap_months,
    };
}

INLINE int32_t band_of(int32_t tenure) {
    return (tenure >= 3) + (tenure >= 12) + (tenure >= 24) + (tenure >= 48) + (tenure >= 60);
}

INLINE float risk_of(const Block *restrict b, int i, int32_t tier, Effects by, float demoted, float uplift, float bank,
                     float word, float lever) {
    int32_t change = b->tier_change[i];
    float decades = min_of(max_of((b->age[i] + by.years - by.age_from) * 0.1f, by.lowest), by.highest);
    float z = min_of(b->pressure[i], by.pressure_most), benefit = z * (2.0f - z);
    float x = by.products * min_of((float)b->products[i] - 1.0f, by.products_most) + by.score * b->w.score[i]
              + by.trust * b->trust[i] / by.trust_sd + by.engagement * b->engagement[i]
              + by.failure * b->open_failure[i];
    x = x + (b->manager_change[i] > 0 ? by.unplanned : 0.0f) + (b->manager_change[i] < 0 ? by.planned : 0.0f)
        + by.bond * b->bond[i]
        + ((b->contact_gap[i] > by.gap_months) & (tier > 0) ? by.gap : 0.0f)
        + (b->adopted[i] != 0 ? by.app : 0.0f) + by.yield * b->affinity[i] + (change > 0 ? by.promotion : 0.0f)
        + (change < 0 ? demoted : 0.0f);
    x = x + decades * (by.age + by.age_square * decades) + by.pressure * benefit
        + (b->second_life[i] > 0 ? by.second_life : 0.0f) + (b->u[U_event][i] < by.bar ? by.relocation : 0.0f)
        + (b->retained[i] > 0 ? uplift : 0.0f) + (b->retained[i] < 0 ? by.welcome : 0.0f);
    return by.on * x + bank + b->log_frailty[i] + word + lever;
}

RULE weigh_leaving(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    Effects by = effects_of(now, p);
    int32_t month = (int32_t)now->month;
    float demotion[MOST_TIERS] = {0};
    for (int j = 0; j < TIERS; j++) demotion[j] = p->b_demotion[j] * now->demotion_ratio;
    BY_TIER(demoted, demotion, a)
    BY_TIER(word, now->word_of_mouth, c)
    BY_TIER(lever, now->hazard_ratio, d)
    look(p->uplift, (int)p->uplift_size, b->uplift_class, b->w.b, groups);
    if (one) {
        EACH b->w.index[i] = band_of(month - b->joined_month[i] - 1);
        look(p->tenure_log + 6 * k, 6, b->w.index, b->w.e, groups);
    } else {
        EACH b->w.index[i] = b->tier[i] * 6 + band_of(month - b->joined_month[i] - 1);
        EACH b->w.e[i] = p->tenure_log[b->w.index[i]];
    }
    EACH b->risk[i] = risk_of(b, i, one ? k : b->tier[i], by, TIER_S(demoted), b->w.b[i], b->w.e[i], TIER_S(word), TIER_S(lever));
}

RULE stay_or_leave(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float returning = p->dormant_return * now->return_ratio, closing = p->dormant_close;
    int32_t second_life = p->second_life_months;
    BY_TIER(close, now->close_rate, a)
    BY_TIER(sleep, now->dormant_rate, b)
    if (!one) {
        EACH b->w.c[i] = 0.0f;
        EACH {
            int32_t way = p->win_back_by[b->tier[i]];
            int32_t meant = (b->state[i] == DORMANT) & (b->u[U_campaign][i] < now->win_back[b->tier[i]]);
            int32_t barred = ((b->opted_out[i] >> way) & 1) != 0;
            int32_t channel = barred ? BARRED : way;
            float courted = p->win_back[b->tier[i]];
            b->w.c[i] = meant & !barred ? courted : 0.0f;
            b->w.channel[i] = meant ? channel : b->w.channel[i];
        }
    }
    float *first = b->w.f, *total = b->w.g;
    EACH {
        int32_t awake = one | (b->state[i] == ACTIVE);
        float ratio = exp_of(b->risk[i]), followed = b->follow[i];
        float leave = TIER_S(close) * ratio + (b->follow_months[i] > 0 ? followed : 0.0f);
        float doze = TIER_S(sleep) * ratio, back = returning + (one ? 0.0f : b->w.c[i]);
        first[i] = awake ? leave : closing;
        total[i] = first[i] + (awake ? doze : back);
    }
    EACH {
        int32_t state = b->state[i];
        float any_exit = 1.0f - exp_of(-total[i]), lot = b->u[U_exit][i] * total[i], money = b->w.money[i];
        int32_t gone = lot < any_exit * first[i], moved = (lot < any_exit * total[i]) & (state != CLOSED);
        int32_t other = ACTIVE + DORMANT - state, stays = moved ? other : state, later = gone ? CLOSED : stays;
        b->w.after[i] = later;
        b->w.some[i] = (later != state) & (later != CLOSED); /* the others hold the share they held, and their money */
        b->w.money[i] = later == CLOSED ? 0.0f : money;
        b->second_life[i] = (state == DORMANT) & (later == ACTIVE) ? second_life : most(b->second_life[i] - 1, 0);
    }
}

/* The same for a block of dormant customers of one tier: their risk matters to those only who wake. */
RULE sleep_on(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float returning = p->dormant_return * now->return_ratio, closing = p->dormant_close;
    int32_t second_life = p->second_life_months, way = p->win_back_by[k], month = (int32_t)now->month;
    float win_back = now->win_back[k], total[2] = {closing + returning, closing + (returning + p->win_back[k])}, any_exit[2];
    for (int courted = 0; courted < 2; courted++) any_exit[courted] = 1.0f - exp_of(-total[courted]);
    float *rate = b->w.f, *exits = b->w.g;
    EACH {
        rate[i] = total[0];
        exits[i] = any_exit[0];
    }
    if (win_back > 0.0f)
        EACH {
            int32_t meant = (b->state[i] == DORMANT) & (b->u[U_campaign][i] < win_back);
            int32_t barred = (b->opted_out[i] >> way) & 1, courted = meant & (barred ^ 1);
            int32_t channel = barred ? BARRED : way;
            rate[i] = courted ? total[1] : total[0];
            exits[i] = courted ? any_exit[1] : any_exit[0];
            b->w.channel[i] = meant ? channel : b->w.channel[i];
        }
    EACH {
        int32_t asleep = b->state[i] == DORMANT;
        float lot = b->u[U_exit][i] * rate[i], money = b->w.money[i];
        int32_t gone = asleep & (lot < exits[i] * closing), woke = asleep & (lot < exits[i] * rate[i]) & (gone ^ 1);
        int32_t stays = b->state[i] + woke * (ACTIVE - DORMANT), later = stays + gone * (CLOSED - DORMANT);
        b->w.after[i] = later;
        b->w.some[i] = woke;
        b->w.money[i] = later == CLOSED ? 0.0f : money;
    }
    Effects by = effects_of(now, p);
    int count = rows_where(b->w.some, b->list, groups);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        float bank = p->tenure_log[6 * k + band_of(month - b->joined_month[i] - 1)];
        b->risk[i] = risk_of(b, i, k, by, p->b_demotion[k] * now->demotion_ratio, p->uplift[b->uplift_class[i]], bank,
                             now->word_of_mouth[k], now->hazard_ratio[k]);
    }
    EACH b->second_life[i] = b->w.some[i] ? second_life : most(b->second_life[i] - 1, 0);
}

/* The share of the wallet that is held falls with sleep and comes back with waking, and the money with it. */
RULE hold(BLOCK_IS, Block *restrict b, const Rates *restrict p) {
    int count = rows_where(b->w.some, b->list, groups);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        float held = b->w.after[i] == DORMANT ? p->dormant_share : 1.0f;
        b->w.money[i] = b->w.money[i] * (held / b->w.held[i]);
        b->w.held[i] = held;
        b->traits[i] = (b->traits[i] & ~REDUCED) | (b->w.after[i] == DORMANT ? REDUCED : 0);
    }
}

RULE keep_in_band(BLOCK_IS, Block *restrict b, const Rates *restrict p) {
    EACH {
        float money = b->w.money[i], low = p->threshold[b->tier[i]], high = p->ceiling[b->tier[i]] * 0.999999f;
        float inside = min_of(max_of(money, low), high);
        int32_t moves = (b->w.after[i] == ACTIVE) & (money > 0.0f);
        float ratio = inside / max_of(money, 1e-6f), step = log_of(max_of(ratio, 1e-30f));
        b->log_wealth[i] = b->log_wealth[i] + (moves ? step : 0.0f);
        b->w.money[i] = moves ? inside : money;
    }
}

RULE climb(BLOCK_IS, Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    int32_t *earned = b->w.new_tier, months = p->tier_change_months, markov = p->markov;
    EACH {
        b->w.a[i] = (b->w.money[i] + b->aum[i] + b->aum_2[i]) * (float)(1.0 / 3.0);
        earned[i] = 0;
    }
    for (int j = 1; j < TIERS; j++) {
        float bar = p->threshold[j] * 0.999998f;
        EACH earned[i] += b->w.a[i] >= bar;
    }
    float grace[MOST_TIERS] = {0};
    for (int j = 0; j < TIERS; j++) grace[j] = (float)p->grace[j] + now->extra_grace;
    BY_TIER(patience, grace, b)
    EACH {
        int32_t here = one ? k : b->tier[i], change = b->tier_change[i];
        int32_t waited = least(b->below[i] + 1, 100), under = earned[i] < here ? waited : 0;
        int32_t falls = (float)under > TIER_S(patience);
        int32_t reached = (earned[i] > here) | falls ? earned[i] : here;
        reached = markov | (b->w.after[i] == CLOSED) ? here : reached;
        int32_t up = reached > here, down = reached < here;
        int32_t fading = change > 0 ? change - 1 : least(change + 1, 0);
        fading = down ? -months : fading;
        b->w.new_tier[i] = reached;
        b->below[i] = reached != here ? 0 : under;
        b->tier_change[i] = up ? months : fading;
        b->aum_2[i] = b->aum[i];
    }
}

RULE turn_page(BLOCK_IS, Block *restrict b) {
    EACH {
        int32_t active = b->w.after[i] == ACTIVE, retained = b->retained[i], change = b->manager_change[i];
        b->state[i] = b->w.after[i];
        b->tier[i] = b->w.new_tier[i];
        b->manager[i] = active ? b->manager[i] : NOBODY;
        b->bond[i] = active ? b->bond[i] : 0.0f;
        b->manager_change[i] = change > 0 ? change - 1 : least(change + 1, 0);
        b->follow_months[i] = most(b->follow_months[i] - 1, 0);
        b->retained[i] = retained > 0 ? retained - 1 : least(retained + 1, 0);
    }
    EACH b->aum[i] = b->w.money[i];
}

/* --- the month --------------------------------------------------------------------------------------------------- */

#include "counting.h"

/* What the month leaves of everything that happens to somebody active only. */
RULE rest(BLOCK_IS, Block *restrict b, const Rates *restrict p) {
    float fading = p->failure_fading, bond_fading = p->bond_fading;
    EACH {
        b->w.experience[i] = b->w.felt[i] = b->w.surprise[i] = b->w.recovered[i] = b->w.betrayed[i] = 0.0f;
        b->w.failed[i] = 0.0f;
        b->w.channel[i] = NOBODY;
        b->w.keeping[i] = b->w.taken[i] = 0;
    }
    EACH {
        b->open_failure[i] = b->open_failure[i] * fading;
        b->bond[i] = b->bond[i] * bond_fading;
        b->silence[i] = least(b->silence[i] + 1, MOST);
        b->transactions[i] = 0;
    }
}

/* --- the month --------------------------------------------------------------------------------------------------- */

enum { MIXED, AWAKE, ASLEEP };

INLINE void live_rules(const int kind, const int k, const int groups, Block *restrict b, const Now *restrict now,
                       const Rates *restrict p, const Sums *restrict sums) {
    const int one = kind != MIXED;
    if (kind == ASLEEP)
        draw(AS_IT_IS, b, now, U_shock, DRAW_LIFE, now->word);
    else
        draw_awake(AS_IT_IS, b, now);
    move_wealth(AS_IT_IS, b, now, p);
    if (kind == ASLEEP) {
        forget(AS_IT_IS, b, now, p);
        if (now->win_back[k] > 0.0f) draw(AS_IT_IS, b, now, U_adopt, DRAW_DIGITAL, now->word);
        rest(AS_IT_IS, b, p);
        feel(AS_IT_IS, b, now, p);
        earn(AS_IT_IS, b, now, p);
        sleep_on(AS_IT_IS, b, now, p);
    } else {
        if (now->scored) {
            draw(AS_IT_IS, b, now, U_churn_noise, DRAW_SCORE, now->score_word);
            aim(AS_IT_IS, b, now, p);
        }
        find_skill(AS_IT_IS, b, now);
        serve(AS_IT_IS, b, now, p);
        reach_out(AS_IT_IS, b, now, p);
        if (now->welcoming) welcome(AS_IT_IS, b, now, p);
        list_wishes(AS_IT_IS, b);
        forget(AS_IT_IS, b, now, p);
        meet(AS_IT_IS, b, now, p);
        remember(AS_IT_IS, b, now, p);
        feel(AS_IT_IS, b, now, p);
        use_products(AS_IT_IS, b, now, p);
        adopt(AS_IT_IS, b, now, p);
        bring_money(AS_IT_IS, b, p);
        earn(AS_IT_IS, b, now, p);
        weigh_leaving(AS_IT_IS, b, now, p);
        stay_or_leave(AS_IT_IS, b, now, p);
    }
    hold(AS_IT_IS, b, p);
    if (p->markov) keep_in_band(AS_IT_IS, b, p);
    climb(AS_IT_IS, b, now, p);
    if (kind != AWAKE) list_wishes(AS_IT_IS, b); /* to win somebody back is a wish too */
    count_reach(b, now, sums);
    count_flows(AS_IT_IS, b, now, p, sums);
    turn_page(AS_IT_IS, b);
    count_stocks(AS_IT_IS, kind == ASLEEP, b, now, p, sums);
}

#define FRONT static __attribute__((noinline)) void
#define ARGUMENTS int k, int groups, Block *restrict b, const Now *restrict now, const Rates *restrict p, const Sums *restrict sums
FRONT live_mixed(ARGUMENTS) { live_rules(MIXED, 0, groups, b, now, p, sums); }
FRONT live_awake(ARGUMENTS) { live_rules(AWAKE, k, groups, b, now, p, sums); }
FRONT live_asleep(ARGUMENTS) { live_rules(ASLEEP, k, groups, b, now, p, sums); }

/* How many of the rows from `first` on, at most `most_rows`, are of its state and tier. */
static int stretch(const Columns *restrict c, int64_t first, int most_rows) {
    const int8_t *state = c->state + first, *tier = c->tier + first;
    int m = 0;
    for (int differ = 0; m + 64 <= most_rows && !differ; m += differ ? 0 : 64)
        for (int i = m; i < m + 64; i++) differ |= (state[i] ^ state[0]) | (tier[i] ^ tier[0]);
    while (m < most_rows && state[m] == state[0] && tier[m] == tier[0]) m++;
    return m;
}

enum { SHORT = 96 }; /* rows from which on a block of its own is quicker than a mixed one */

void step_chunk(const Columns *restrict c, int64_t first, int64_t last, const int8_t *restrict plan,
                const Now *restrict now, const Rates *restrict p, const Sums *restrict sums) {
    Block b;
    while (first < last) {
        int most_rows = last - first < BLOCK ? (int)(last - first) : BLOCK, m = stretch(c, first, most_rows);
        int state = c->state[first], k = c->tier[first], pure = m >= SHORT || m == most_rows;
        if (!pure) m = most_rows;
        if (!(pure && state == CLOSED)) {
            int groups = (m + LANES - 1) / LANES;
            read_columns(&b, c, plan, first, m, groups);
            next_columns(&b, c, first + m, last - first - m < BLOCK ? (int)(last - first - m) : BLOCK);
            if (!pure)
                live_mixed(0, groups, &b, now, p, sums);
            else if (state == ACTIVE)
                live_awake(k, groups, &b, now, p, sums);
            else
                live_asleep(k, groups, &b, now, p, sums);
            write_asleep(&b, c, first, m);
            if (!(pure && state == DORMANT)) write_awake(&b, c, first, m);
        }
        first += m;
    }
}
