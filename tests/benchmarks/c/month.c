/* One month of every customer in C: the rules of sim/kernel, in their order, with their bits.

   It is the limit that the kernel is measured against, so it is written for speed: blocks whose length the compiler
   knows, rules without branches, tables read from registers, rare events from short lists, draws only where somebody
   is active, and a short month for a block in which nobody is. Names are those of the kernel, where each rule and
   its sources are described. */

#include "block.h"

#define RULE static __attribute__((noinline)) void
#define TIERS ((int)p->threshold_size)
#define MOST_TIERS 64

enum { BARRED = LOST - SILENCED, TOO_MANY = LOST - SPARED, FOR_KEEPING = 1, FOR_WELCOME = 2, NEW = 3 };
enum { MOST = 100, MOST_CONTACTS = 30000 };

/* --- draws ------------------------------------------------------------------------------------------------------- */

/* The four uniforms of `purpose`, from row `row` on.

   A word is held in a lane of 64 bits, whose upper half may be anything: a product takes the lower halves of two lanes,
   and the upper halves of what is not multiplied any more are cut off at the end. */
#ifdef __AVX512F__
INLINE void philox_lanes(__m512i c[4], uint32_t key0, uint32_t key1) {
    __m512i m0 = _mm512_set1_epi64(PHILOX_M0), m1 = _mm512_set1_epi64(PHILOX_M1);
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        __m512i k0 = _mm512_set1_epi64(key0 + (uint32_t)round * PHILOX_W0);
        __m512i k1 = _mm512_set1_epi64(key1 + (uint32_t)round * PHILOX_W1);
        __m512i left = _mm512_mul_epu32(c[0], m0), right = _mm512_mul_epu32(c[2], m1);
        c[0] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(right, 32), c[1], k0, 0x96);
        c[2] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(left, 32), c[3], k1, 0x96);
        c[1] = right;
        c[3] = left;
    }
}

RULE draw(Block *restrict b, const Now *restrict now, int row, uint32_t purpose, uint64_t word) {
    const __m512i low = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    uint32_t key0 = (uint32_t)now->key0, key1 = (uint32_t)now->key1;
    for (int i = 0; i < BLOCK; i += 16) {
        __m512i halves[2][4];
        for (int half = 0; half < 2; half++) {
            __m512i uid = _mm512_load_si512(b->uid + i + 8 * half);
            halves[half][0] = uid;
            halves[half][1] = _mm512_srli_epi64(uid, 32);
            halves[half][2] = _mm512_set1_epi64((int64_t)word);
            halves[half][3] = _mm512_set1_epi64(purpose);
            philox_lanes(halves[half], key0, key1);
        }
        for (int lane = 0; lane < 4; lane++) {
            __m512i words = _mm512_permutex2var_epi32(halves[0][lane], low, halves[1][lane]);
            __m512 whole = _mm512_cvtepi32_ps(_mm512_srli_epi32(words, 9));
            __m512 middle = _mm512_add_ps(whole, _mm512_set1_ps(0.5f));
            _mm512_store_ps(b->u[row + lane] + i, _mm512_mul_ps(middle, _mm512_set1_ps(0x1p-23f)));
        }
    }
}
#else
RULE draw(Block *restrict b, const Now *restrict now, int row, uint32_t purpose, uint64_t word) {
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
#endif

/* --- wealth, service --------------------------------------------------------------------------------------------- */

RULE move_wealth(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float low = p->event_rate * p->relocation_part, high = low + p->event_rate * p->inheritance_part;
    float jump = p->inheritance_jump, reversion = p->wealth_reversion, sd = p->wealth_sd, growth = p->wealth_growth;
    look(now->market, TIERS, b->tier, b->w.a);
    EACH {
        int inherits = (b->u[U_event][i] >= low) & (b->u[U_event][i] < high);
        float drift = b->w.a[i] + (inherits ? jump : 0.0f);
        float x = b->log_wealth[i], m = b->wealth_mean[i];
        b->log_wealth[i] = x + reversion * (m - x) + sd * student_t4_of(b->u[U_shock][i]) + drift;
        b->wealth_mean[i] = m + (drift + growth);
    }
}

RULE find_skill(Block *restrict b, const Now *restrict now) {
    EACH b->w.some[i] = b->manager[i] >= 0;
    EACH b->w.skill[i] = 0.0f;
    int count = rows_where(b->w.some, b->list);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        b->w.skill[i] = now->manager_quality[b->manager[i]];
    }
}

RULE serve(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
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
    look(now->quality_shift, TIERS, b->tier, b->w.a);
    look(now->quality_shift + TIERS, TIERS, b->tier, b->w.b);
    EACH {
        int managed = b->manager[i] >= 0, app = b->adopted[i] != 0;
        float of_app = managed ? sd[3] : sd[1], of_other = managed ? sd[2] : sd[0];
        float drop = b->w.betrayed[i] > 0.0f ? drop_twice : drop_once;
        float spread = app ? of_app : of_other, with = b->w.human[i];
        float quality = (managed ? b->w.b[i] : b->w.a[i]) + share * b->w.skill[i] * with
                        + spread * (with + (1.0f - with) * spread_app) * normal_of(b->u[U_quality][i])
                        - b->w.failed[i] * drop;
        b->w.felt[i] = b->w.experience[i] * quality;
        b->w.surprise[i] = b->w.experience[i] * (quality - b->expectation[i] - rise);
    }
}

/* --- scores and contacts ----------------------------------------------------------------------------------------- */

RULE aim(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    if (now->by_uplift) {
        float known = now->know_uplift, noise = sqrtf(max_of(1.0f - known * known, 0.0f));
        look(p->saved, (int)p->saved_size, b->uplift_class, b->w.a);
        look(now->gain_mean, TIERS, b->tier, b->w.b);
        look(now->gain_sd, TIERS, b->tier, b->w.c);
        EACH {
            float gain = exp_of(b->risk[i]) * b->w.a[i];
            b->w.keep[i] = known * ((gain - b->w.b[i]) / b->w.c[i]) + noise * normal_of(b->u[U_uplift_noise][i]);
        }
    } else {
        float known = now->know_churn, noise = sqrtf(max_of(1.0f - known * known, 0.0f));
        look(now->risk_mean, TIERS, b->tier, b->w.b);
        look(now->risk_sd, TIERS, b->tier, b->w.c);
        EACH b->w.keep[i] = known * ((b->risk[i] - b->w.b[i]) / b->w.c[i]) + noise * normal_of(b->u[U_churn_noise][i]);
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

/* chances of one channel by tier, out of a table (tiers, channels) */
INLINE void look_channel(const float *restrict table, const Rates *restrict p, int channel, const int32_t *restrict tier,
                         float *restrict out) {
    float of[MOST_TIERS];
    for (int k = 0; k < TIERS; k++) of[k] = table[k * N_CHANNELS + channel];
    look(of, TIERS, tier, out);
}

static int any(const float *table, int64_t size) {
    for (int64_t j = 0; j < size; j++)
        if (table[j] != 0.0f) return 1;
    return 0;
}

RULE reach_out(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float *end = b->w.e, *offers_end = b->w.f;
    int32_t *offering = b->w.channel, *saving = b->w.keeping;
    float outreach = now->outreach, from = now->outreach_from;
    EACH {
        end[i] = 0.0f;
        offering[i] = saving[i] = 0;
    }
    if (any(now->campaign, now->campaign_size) | (outreach != 0.0f)) {
        for (int channel = 0; channel < N_CHANNELS; channel++) {
            float without = p->without_app[channel], calls = p->remote_calls[channel];
            look_channel(now->campaign, p, channel, b->tier, b->w.a);
            if (now->scored)
                EACH b->w.a[i] = b->w.a[i] * b->w.boost[i];
            EACH {
                float open_to = max_of(b->adopted[i] != 0 ? 1.0f : 0.0f, without);
                float call = (b->tier[i] == 0) & (b->aum_1[i] >= from) ? outreach : 0.0f;
                end[i] = end[i] + b->w.a[i] * open_to + call * calls;
                offering[i] += b->u[U_campaign][i] >= end[i];
            }
        }
    }
    EACH offers_end[i] = end[i];
    if (now->scored && any(now->retain, now->retain_size)) {
        for (int channel = 0; channel < N_CHANNELS; channel++) {
            float without = p->without_app[channel];
            look_channel(now->retain, p, channel, b->tier, b->w.a);
            EACH {
                float open_to = max_of(b->adopted[i] != 0 ? 1.0f : 0.0f, without);
                end[i] = end[i] + b->w.a[i] * b->w.chosen[i] * open_to;
                saving[i] += b->u[U_campaign][i] >= end[i];
            }
        }
    }
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

RULE welcome(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
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

RULE meet(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    int32_t campaign_end = now->month % p->campaign_months == 0, month = (int32_t)now->month;
    float relief = p->preferred_relief, change = p->channel_change, memory = p->pressure_memory;
    float cap = now->pressure_cap, synergy = now->synergy, handoff = now->handoff;
    EACH b->w.index[i] = most(b->w.channel[i], 0);
    look(p->pressure, N_CHANNELS, b->w.index, b->w.a);
    look(p->reach, N_CHANNELS, b->w.index, b->w.b);
    look(p->conversion, N_CHANNELS, b->w.index, b->w.c);
    EACH {
        int32_t c = b->w.index[i], last = b->last_channel[i], planned = b->w.plan[i], meant = b->w.channel[i] >= 0;
        float easy = c == b->preferred[i] ? relief : 1.0f;
        int32_t switched = (last >= 0) & (last != c);
        float burden = b->w.a[i] * easy * (switched ? change : 1.0f);
        float fading = b->pressure[i] * memory;
        int32_t spared = (planned < 0) & (fading + burden > cap);
        int32_t made = meant & !spared;
        b->w.channel[i] = meant & spared ? TOO_MANY : b->w.channel[i];
        b->pressure[i] = fading + (made ? burden : 0.0f);
        b->last_channel[i] = made ? c : last;
        b->contacts[i] = least(b->contacts[i] + made, MOST_CONTACTS);
        b->w.reached[i] = made & (b->u[U_reach][i] < b->w.b[i]) ? 1.0f : 0.0f;
        int32_t followed = (planned >= 0) & ((planned & LEAD) != 0);
        b->w.warmth[i] = (switched ? synergy : 0.0f) + (followed ? handoff : 0.0f);
    }
    float near_share = p->near_threshold, near_effect = p->near_threshold_effect, event_bar = p->event_rate;
    float need_effect = p->need_effect, skill_effect = p->skill_effect, decay = p->attempt_decay;
    float bond_conversion = p->bond_conversion, event_need = p->event_need, welcome_product = now->welcome_product;
    float push_managers = now->push_managers, push_share = now->push_share;
    float near_from[MOST_TIERS];
    for (int k = 0; k < TIERS; k++) near_from[k] = near_share * p->ceiling[k];
    look(near_from, TIERS, b->tier, b->w.a);
    look(now->conversion_ratio, TIERS, b->tier, b->w.b);
    EACH {
        int32_t planned = b->w.plan[i] >= 0, own = planned & (b->manager[i] >= 0);
        float quality = own ? b->w.skill[i] : 0.0f;
        int32_t near = own & (b->aum_1[i] >= b->w.a[i]);
        float pull = need_effect * b->need[i] + skill_effect * quality + decay * (float)b->attempts[i] + b->w.warmth[i];
        float bound = bond_conversion * b->bond[i];
        pull = pull + (own ? bound : 0.0f);
        float chance = b->w.c[i] * b->w.b[i] * exp_of(pull) * (near ? near_effect : 1.0f)
                       * (b->u[U_event][i] < event_bar ? event_need : 1.0f);
        float push = planned ? push_managers : push_share;
        int32_t reached = b->w.reached[i] > 0.0f;
        int32_t offered = reached & (b->u[U_push][i] < push) & (b->w.keeping[i] == 0);
        int32_t first = reached & (b->w.keeping[i] == FOR_WELCOME) & (b->retained[i] == 0);
        float lot = b->u[U_sale][i];
        b->w.made_sale[i] = (offered & (lot < chance)) | (first & (lot < welcome_product));
        b->w.offered[i] = offered ? 1.0f : 0.0f;
    }
    float rate = p->opt_out_rate, slope = p->opt_out_slope, months = p->opt_out_months;
    EACH {
        int32_t fresh = (b->w.made_sale[i] != 0) | campaign_end, made = b->w.channel[i] >= 0;
        b->attempts[i] = fresh ? 0 : least(b->attempts[i] + (int32_t)b->w.offered[i], MOST);
        float hazard = rate * exp_of(slope * max_of(b->pressure[i] - 1.0f, 0.0f));
        int32_t out = made & (b->u[U_opt_out][i] < hazard);
        int32_t lapsed = (float)(month - b->opt_out_month[i]) >= months;
        int32_t standing = lapsed ? 0 : b->opted_out[i];
        b->w.opted[i] = out;
        b->opted_out[i] = standing | (out << most(b->w.channel[i], 0));
        b->opt_out_month[i] = out ? month : b->opt_out_month[i];
    }
    float bond_step = p->bond_step, bond_skill = p->bond_skill, bond_fading = p->bond_fading;
    float lead_chance = p->lead_chance;
    int32_t retention_months = p->retention_months;
    EACH {
        int32_t reached = b->w.reached[i] > 0.0f, managed = b->manager[i] >= 0;
        int32_t by_manager = reached & (b->w.plan[i] >= 0) & managed;
        float step = min_of(bond_step * max_of(1.0f + bond_skill * b->w.skill[i], 0.0f), 1.0f);
        float gained = (1.0f - b->bond[i]) * step;
        b->bond[i] = b->bond[i] * bond_fading + (by_manager ? gained : 0.0f);
        b->contact_gap[i] = by_manager ? 0 : least(b->contact_gap[i] + 1, MOST);
        int32_t heard = reached & (b->w.keeping[i] == FOR_KEEPING);
        int32_t welcomed = reached & (b->w.keeping[i] == FOR_WELCOME) & (b->retained[i] <= 0);
        int32_t new_for = NEW + 1 - (month - b->joined_month[i]);
        int32_t otherwise = welcomed ? -new_for : b->retained[i];
        b->retained[i] = heard ? retention_months : otherwise;
        int32_t browses = (b->adopted[i] != 0) & managed & (b->state[i] == ACTIVE);
        float shows = lead_chance * exp_of(need_effect * b->need[i]);
        b->lead[i] = browses & (b->u[U_campaign][i] < shows);
    }
}

/* --- feelings ---------------------------------------------------------------------------------------------------- */

RULE feel(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
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

RULE use_products(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float loss = p->product_loss, slope = p->transactions_slope, mean = p->transactions, by_app = p->transactions_app;
    float half = 0.5f * slope * slope;
    int32_t most_products = p->most_products;
    look(p->product_gain, TIERS, b->tier, b->w.a);
    EACH {
        int32_t awake = b->state[i] == ACTIVE;
        float extra = (float)b->products[i] - 1.0f, lot = b->u[U_product][i];
        int32_t lost = awake & (lot > 1.0f - loss * extra), own = awake & (lot < b->w.a[i]);
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
        int32_t whole = (int32_t)min_of(count, 30000.0f);
        int32_t used = awake & (use >= none) ? whole : 0;
        b->transactions[i] = used;
        b->silence[i] = used > 0 ? 0 : least(b->silence[i] + 1, MOST);
    }
}

RULE adopt(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
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

RULE bring_money(Block *restrict b, const Rates *restrict p) {
    int count = rows_where(b->w.made_sale, b->list);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        b->wallet[i] = log_of(exp_of(b->wallet[i]) + p->money_brought) - p->log_left_elsewhere;
    }
}

RULE earn(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float digital[N_CHANNELS];
    for (int channel = 0; channel < N_CHANNELS; channel++)
        digital[channel] = p->multihoming_digital * p->multihoming_preferred[channel];
    float multihoming = p->wallet_multihoming, yield = p->wallet_yield * now->yield_gap;
    float by_score = p->wallet_satisfaction, by_contact = p->wallet_contact, by_bond = p->wallet_bond;
    float reversion = p->wallet_reversion;
    look(digital, N_CHANNELS, b->preferred, b->w.a);
    look(p->liquid_share, TIERS, b->tier, b->w.b);
    EACH {
        float others = (float)b->multihomer[i] * multihoming * (1.0f + (b->adopted[i] != 0 ? b->w.a[i] : 0.0f));
        float leak = yield * b->affinity[i] * b->w.b[i];
        float warm = by_score * b->w.score[i] + by_contact * b->w.reached[i];
        float x = b->wallet[i], mean = b->wallet_mean[i] + by_bond * b->bond[i];
        x = x + reversion * (mean - x) + (b->state[i] == ACTIVE ? warm : 0.0f) - others - leak;
        float odds = 1.0f + exp_of(-x);
        b->wallet[i] = x;
        b->w.odds[i] = odds;
        b->w.money[i] = b->held[i] * exp_of(b->log_wealth[i]) / odds;
    }
}

/* --- leaving, tiers ---------------------------------------------------------------------------------------------- */

RULE weigh_leaving(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float bar = p->event_rate * p->relocation_part, years = (float)now->month / 12.0f;
    float age_from = p->age_from, lowest = p->age_lowest, highest = p->age_highest, by_products = p->b_products;
    float products_most = p->products_most, by_score = p->b_satisfaction, by_trust = p->b_trust, trust_sd = p->trust_sd;
    float by_engagement = p->b_engagement, by_failure = p->b_failure;
    float by_bond = p->b_bond, by_gap = p->b_gap, by_app = p->b_app, by_yield = p->b_yield * now->yield_gap;
    float by_promotion = p->b_promotion, by_age = p->b_age, by_age_square = p->b_age_square, by_pressure = p->b_pressure;
    float pressure_most = p->pressure_most, by_second_life = p->b_second_life, by_relocation = p->b_relocation;
    float by_welcome = now->welcome_hazard, on = p->covariates_on;
    int32_t gap_months = p->gap_months, month = (int32_t)now->month;
    float demotion[MOST_TIERS];
    for (int k = 0; k < TIERS; k++) demotion[k] = p->b_demotion[k] * now->demotion_ratio;
    look(demotion, TIERS, b->tier, b->w.a);
    look(p->uplift, (int)p->uplift_size, b->uplift_class, b->w.b);
    look(now->word_of_mouth, TIERS, b->tier, b->w.c);
    look(now->hazard_ratio, TIERS, b->tier, b->w.d);
    EACH {
        int32_t tenure = month - b->joined_month[i] - 1;
        int32_t band = (tenure >= 3) + (tenure >= 12) + (tenure >= 24) + (tenure >= 48) + (tenure >= 60);
        b->w.index[i] = b->tier[i] * 6 + band;
    }
    if (TIERS <= 5) { /* two registers hold 32 entries */
#ifdef __AVX512F__
        int size = (int)p->tenure_log_size;
        __m512 low = _mm512_maskz_loadu_ps((__mmask16)((1ull << least(size, 16)) - 1), p->tenure_log);
        __m512 high = _mm512_maskz_loadu_ps((__mmask16)((1ull << most(size - 16, 0)) - 1), p->tenure_log + 16);
        for (int i = 0; i < BLOCK; i += 16)
            _mm512_store_ps(b->w.e + i, _mm512_permutex2var_ps(low, _mm512_load_si512(b->w.index + i), high));
    } else {
#else
    }
    {
#endif
        EACH b->w.e[i] = p->tenure_log[b->w.index[i]];
    }
    EACH {
        int32_t change = b->tier_change[i];
        float decades = min_of(max_of((b->age[i] + years - age_from) * 0.1f, lowest), highest);
        float z = min_of(b->pressure[i], pressure_most), benefit = z * (2.0f - z);
        float x = by_products * min_of((float)b->products[i] - 1.0f, products_most) + by_score * b->w.score[i]
                  + by_trust * b->trust[i] / trust_sd + by_engagement * b->engagement[i]
                  + by_failure * b->open_failure[i];
        x = x + (b->manager_shock_months[i] > 0 ? b->manager_shock[i] : 0.0f) + by_bond * b->bond[i]
            + ((b->contact_gap[i] > gap_months) & (b->tier[i] > 0) ? by_gap : 0.0f)
            + (b->adopted[i] != 0 ? by_app : 0.0f) + by_yield * b->affinity[i] + (change > 0 ? by_promotion : 0.0f)
            + (change < 0 ? b->w.a[i] : 0.0f);
        x = x + decades * (by_age + by_age_square * decades) + by_pressure * benefit
            + (b->second_life[i] > 0 ? by_second_life : 0.0f) + (b->u[U_event][i] < bar ? by_relocation : 0.0f)
            + (b->retained[i] > 0 ? b->w.b[i] : 0.0f) + (b->retained[i] < 0 ? by_welcome : 0.0f);
        b->risk[i] = on * x + b->w.e[i] + b->log_frailty[i] + b->w.c[i] + b->w.d[i];
    }
}

RULE stay_or_leave(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    float returning = p->dormant_return * now->return_ratio, closing = p->dormant_close, share = p->dormant_share;
    int32_t second_life = p->second_life_months;
    look(now->close_rate, TIERS, b->tier, b->w.a);
    look(now->dormant_rate, TIERS, b->tier, b->w.b);
    EACH b->w.c[i] = 0.0f;
    if (any(now->win_back, now->win_back_size)) {
        look(now->win_back, TIERS, b->tier, b->w.d);
        look(p->win_back, TIERS, b->tier, b->w.e);
        EACH {
            int32_t way = p->win_back_by[b->tier[i]];
            int32_t meant = (b->state[i] == DORMANT) & (b->u[U_campaign][i] < b->w.d[i]);
            int32_t barred = ((b->opted_out[i] >> way) & 1) != 0;
            int32_t channel = barred ? BARRED : way;
            b->w.c[i] = meant & !barred ? b->w.e[i] : 0.0f;
            b->w.channel[i] = meant ? channel : b->w.channel[i];
        }
    }
    float *first = b->w.f, *total = b->w.g;
    EACH {
        int32_t awake = b->state[i] == ACTIVE;
        float ratio = exp_of(b->risk[i]), followed = b->follow[i];
        float leave = b->w.a[i] * ratio + (b->follow_months[i] > 0 ? followed : 0.0f);
        float doze = b->w.b[i] * ratio, back = returning + b->w.c[i];
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
    int count = rows_where(b->w.some, b->list);
    for (int place = 0; place < count; place++) {
        int i = b->list[place];
        float held = b->w.after[i] == DORMANT ? share : 1.0f;
        b->w.money[i] = b->w.money[i] * (held / b->held[i]);
        b->held[i] = held;
    }
}

RULE keep_in_band(Block *restrict b, const Rates *restrict p) {
    EACH {
        float money = b->w.money[i], low = p->threshold[b->tier[i]], high = p->ceiling[b->tier[i]] * 0.999999f;
        float inside = min_of(max_of(money, low), high);
        int32_t moves = (b->w.after[i] == ACTIVE) & (money > 0.0f);
        float ratio = inside / max_of(money, 1e-6f), step = log_of(max_of(ratio, 1e-30f));
        b->log_wealth[i] = b->log_wealth[i] + (moves ? step : 0.0f);
        b->w.money[i] = moves ? inside : money;
    }
}

RULE climb(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    int32_t *earned = b->w.new_tier, months = p->tier_change_months, markov = p->markov;
    EACH {
        b->w.a[i] = (b->w.money[i] + b->aum_1[i] + b->aum_2[i]) * (float)(1.0 / 3.0);
        earned[i] = 0;
    }
    for (int k = 1; k < TIERS; k++) {
        float bar = p->threshold[k] * 0.999998f;
        EACH earned[i] += b->w.a[i] >= bar;
    }
    float grace[MOST_TIERS];
    for (int k = 0; k < TIERS; k++) grace[k] = (float)p->grace[k] + now->extra_grace;
    look(grace, TIERS, b->tier, b->w.b);
    EACH {
        int32_t here = b->tier[i], change = b->tier_change[i];
        int32_t waited = least(b->below[i] + 1, 100), under = earned[i] < here ? waited : 0;
        int32_t falls = (float)under > b->w.b[i];
        int32_t reached = (earned[i] > here) | falls ? earned[i] : here;
        reached = markov | (b->w.after[i] == CLOSED) ? here : reached;
        int32_t up = reached > here, down = reached < here;
        int32_t fading = change > 0 ? change - 1 : least(change + 1, 0);
        fading = down ? -months : fading;
        b->w.new_tier[i] = reached;
        b->below[i] = reached != here ? 0 : under;
        b->tier_change[i] = up ? months : fading;
        b->aum_2[i] = b->aum_1[i];
        b->aum_1[i] = b->w.money[i];
    }
}

RULE turn_page(Block *restrict b) {
    EACH {
        int32_t active = b->w.after[i] == ACTIVE, retained = b->retained[i];
        b->state[i] = b->w.after[i];
        b->tier[i] = b->w.new_tier[i];
        b->manager[i] = active ? b->manager[i] : NOBODY;
        b->bond[i] = active ? b->bond[i] : 0.0f;
        b->manager_shock_months[i] = most(b->manager_shock_months[i] - 1, 0);
        b->follow_months[i] = most(b->follow_months[i] - 1, 0);
        b->retained[i] = retained > 0 ? retained - 1 : least(retained + 1, 0);
    }
    EACH b->aum[i] = (double)b->w.money[i];
}

#include "counting.h"

/* --- the month --------------------------------------------------------------------------------------------------- */

/* What the month leaves of everything that happens to somebody active only. */
RULE rest(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    int32_t campaign_end = now->month % p->campaign_months == 0, month = (int32_t)now->month;
    float memory = p->pressure_memory, fading = p->failure_fading, bond_fading = p->bond_fading;
    float months = p->opt_out_months;
    EACH {
        b->w.experience[i] = b->w.felt[i] = b->w.surprise[i] = b->w.recovered[i] = b->w.betrayed[i] = 0.0f;
        b->w.reached[i] = b->w.offered[i] = b->w.failed[i] = 0.0f;
        b->w.channel[i] = NOBODY;
        b->w.keeping[i] = b->w.made_sale[i] = b->w.taken[i] = b->w.opted[i] = 0;
    }
    EACH {
        b->open_failure[i] = b->open_failure[i] * fading;
        b->pressure[i] = b->pressure[i] * memory;
        b->bond[i] = b->bond[i] * bond_fading;
        b->attempts[i] = campaign_end ? 0 : least(b->attempts[i], MOST);
        b->opted_out[i] = (float)(month - b->opt_out_month[i]) >= months ? 0 : b->opted_out[i];
        b->contact_gap[i] = least(b->contact_gap[i] + 1, MOST);
        b->silence[i] = least(b->silence[i] + 1, MOST);
        b->lead[i] = b->transactions[i] = 0;
    }
}

static void live_awake(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    draw(b, now, U_experience, DRAW_SERVICE, now->word);
    draw(b, now, U_reach, DRAW_CONTACT, now->word);
    draw(b, now, U_adopt, DRAW_DIGITAL, now->word);
    if (now->scored) {
        draw(b, now, U_churn_noise, DRAW_SCORE, now->score_word);
        aim(b, now, p);
    }
    find_skill(b, now);
    serve(b, now, p);
    reach_out(b, now, p);
    if (now->welcoming) welcome(b, now, p);
    meet(b, now, p);
    feel(b, now, p);
    use_products(b, now, p);
    adopt(b, now, p);
    bring_money(b, p);
}

static void live_asleep(Block *restrict b, const Now *restrict now, const Rates *restrict p) {
    if (any(now->win_back, now->win_back_size)) draw(b, now, U_adopt, DRAW_DIGITAL, now->word);
    rest(b, now, p);
    feel(b, now, p);
}

INLINE void live_block(Block *restrict b, const Columns *restrict c, const int8_t *restrict plan, int64_t first, int m,
                       const Now *restrict now, const Rates *restrict p, const Sums *restrict sums) {
    int active = 0;
    read_columns(b, c, plan, first, m);
    EACH active |= b->state[i] == ACTIVE;
    draw(b, now, U_shock, DRAW_LIFE, now->word);
    move_wealth(b, now, p);
    if (active)
        live_awake(b, now, p);
    else
        live_asleep(b, now, p);
    earn(b, now, p);
    weigh_leaving(b, now, p);
    stay_or_leave(b, now, p);
    if (p->markov) keep_in_band(b, p);
    climb(b, now, p);
    count_reach(b, now, sums);
    count_flows(b, now, p, sums);
    turn_page(b);
    count_stocks(b, now, p, sums);
    write_asleep(b, c, first, m);
    if (active) write_awake(b, c, first, m);
}

void step_chunk(const Columns *restrict c, int64_t first, int64_t last, const int8_t *restrict plan,
                const Now *restrict now, const Rates *restrict p, const Sums *restrict sums) {
    Block b;
    for (; first + BLOCK <= last; first += BLOCK) live_block(&b, c, plan, first, BLOCK, now, p, sums);
    if (first < last) {
        fill_block(&b);
        live_block(&b, c, plan, first, (int)(last - first), now, p, sums);
    }
}
