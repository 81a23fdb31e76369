/* The frozen subset of subset.py by hand: the opponent of `acuerdo bench`.
 *
 * Draws are taken in blocks of LANES, which stay in the first-level cache for the whole run; every innermost loop is
 * over the lanes of a block and becomes vector instructions. Threads take the next block when they have done one.
 * What does not change within a run or a month is computed once. Flows are never negative by their equations.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#ifndef REAL
#define REAL float
#endif
#ifdef IN_DOUBLE
#define EXP exp
#define LOG log
#else
#define EXP expf
#define LOG logf
#endif
#ifndef LANES
#define LANES (256 / (int)sizeof(REAL)) /* so that all of a block stays near */
#endif
#define PLACES 12
#define MOST_THREADS 64

#define EACH_LANE for (int l = 0; l < LANES; l++)
#define EACH_PLACE for (int i = 0; i < PLACES; i++)
#define LARGER(a, b) ((a) > (b) ? (a) : (b))

typedef REAL lanes[LANES] __attribute__((aligned(64)));

/* in the order of PARAMETERS, INPUTS and KEEP in subset.py; the first five parameters are (places, draws) */
enum {
    BASE_DEPARTURES, EXPOSURE, QUEUE_TASTE, QUEUE_FIRST, BELIEF_FIRST,
    TRANSIT_TIME, BORDER_FIRST, DETERRENCE, SEASON_SIZE, ENFORCEMENT_EFFECT, TURNED_HOME_SHARE, ACTING_RATE,
    WAIT_AVERSION, WAIT_REFERENCE, PATIENCE, ABANDON_RATE, BELIEF_DELAY, CAPACITY_BUILD_UP, ENFORCEMENT_BUILD_UP,
    PARAMETERS
};
enum { SEASON_WAVE, CAPACITY_SET, ENFORCEMENT_SET, PRESSURE };
enum { CROSSINGS, ADMITTED, IN_QUEUE, WAIT, CROSSINGS_TOTAL };

typedef struct {
    int draws, months, steps;
    const REAL *const *parameters;
    const REAL *const *inputs;
    REAL *const *outputs;
    atomic_int next_block;
} job;

/* The last block may be short: its empty lanes repeat the first draw and are not written. */
static inline void load(REAL *restrict to, const REAL *restrict from, int count) {
    if (count == LANES) {
        EACH_LANE to[l] = from[l];
    } else {
        EACH_LANE to[l] = from[l < count ? l : 0];
    }
}

static inline void store(REAL *restrict to, const REAL *restrict from, REAL factor, int count) {
    if (count == LANES) {
        EACH_LANE to[l] = from[l] * factor;
    } else {
        for (int l = 0; l < count; l++) to[l] = from[l] * factor;
    }
}

static void run_block(const job *it, int first) {
    const int draws = it->draws, count = draws - first < LANES ? draws - first : LANES;
    const REAL dt = (REAL)1 / it->steps, mean = (REAL)1 / it->steps;

    lanes base[PLACES], exposure[PLACES], taste[PLACES], in_transit[PLACES], at_border[PLACES], in_queue[PLACES],
        belief[PLACES], pressure[PLACES], outset[PLACES], crossings[PLACES], admitted[PLACES], once[PARAMETERS],
        capacity, enforcement, wait, all_crossings, moving_rate, belief_rate, capacity_rate, enforcement_rate;

    for (int p = TRANSIT_TIME; p < PARAMETERS; p++) load(once[p], it->parameters[p] + first, count);
    EACH_LANE {
        moving_rate[l] = 1 / LARGER(once[TRANSIT_TIME][l], dt);
        belief_rate[l] = dt / LARGER(once[BELIEF_DELAY][l], dt);
        capacity_rate[l] = dt / LARGER(once[CAPACITY_BUILD_UP][l], dt);
        enforcement_rate[l] = dt / LARGER(once[ENFORCEMENT_BUILD_UP][l], dt);
        capacity[l] = it->inputs[CAPACITY_SET][0];
        enforcement[l] = it->inputs[ENFORCEMENT_SET][0];
    }
    EACH_PLACE {
        const long at = (long)i * draws + first;
        load(base[i], it->parameters[BASE_DEPARTURES] + at, count);
        load(exposure[i], it->parameters[EXPOSURE] + at, count);
        load(taste[i], it->parameters[QUEUE_TASTE] + at, count);
        load(in_queue[i], it->parameters[QUEUE_FIRST] + at, count);
        load(belief[i], it->parameters[BELIEF_FIRST] + at, count);
        EACH_LANE {
            in_transit[i][l] = base[i][l] * once[TRANSIT_TIME][l];
            at_border[i][l] = base[i][l] * once[BORDER_FIRST][l];
            in_queue[i][l] *= base[i][l];
        }
    }

    for (int m = 0; m < it->months; m++) {
        const REAL wave = it->inputs[SEASON_WAVE][m], places_set = it->inputs[CAPACITY_SET][m],
                   effort_set = it->inputs[ENFORCEMENT_SET][m];
        lanes season;
        EACH_LANE season[l] = EXP(once[SEASON_SIZE][l] * wave);
        EACH_PLACE {
            load(pressure[i], it->inputs[PRESSURE] + ((long)m * PLACES + i) * draws + first, count);
            EACH_LANE {
                outset[i][l] = base[i][l] * season[l];
                crossings[i][l] = admitted[i][l] = 0;
            }
        }
        EACH_LANE wait[l] = all_crossings[l] = 0;

        for (int s = 0; s < it->steps; s++) {
            lanes queue, against, served_rate, leaving_rate, stopped;
            EACH_LANE queue[l] = 0;
            EACH_PLACE EACH_LANE queue[l] += in_queue[i][l];
            EACH_LANE {
                const REAL w = capacity[l] > 0 ? queue[l] / capacity[l] : 0;
                wait[l] += w;
                against[l] = once[WAIT_AVERSION][l] * LOG(1 + w / once[WAIT_REFERENCE][l]);
                leaving_rate[l] = once[ABANDON_RATE][l] * (1 - EXP(-w / once[PATIENCE][l]));
                served_rate[l] = queue[l] > 0 ? capacity[l] / queue[l] : 0;
                stopped[l] = once[ENFORCEMENT_EFFECT][l] * enforcement[l];
            }
            EACH_PLACE EACH_LANE {
                const REAL held_back = once[DETERRENCE][l] * belief[i][l];
                const REAL departures = outset[i][l] * EXP(pressure[i][l] - held_back);
                const REAL passage = EXP(-stopped[l] * exposure[i][l]);
                const REAL choice = 1 / (1 + EXP(against[l] - taste[i][l] - held_back));

                /* the flows out of a stock share what it can give */
                const REAL transit = in_transit[i][l], border = at_border[i][l], waiting = in_queue[i][l];
                const REAL moving = transit * moving_rate[l];
                REAL arrivals = moving * passage, home = moving * (1 - passage) * once[TURNED_HOME_SHARE][l];
                REAL asked = (arrivals + home) * dt, share = asked <= transit ? 1 : transit / asked;
                arrivals *= share, home *= share;

                REAL acting = border * once[ACTING_RATE][l];
                asked = acting * dt, share = asked <= border ? 1 : border / asked;
                acting *= share;
                const REAL joined = acting * choice, crossed = acting - joined;

                REAL served = waiting * served_rate[l], left = waiting * leaving_rate[l];
                asked = (served + left) * dt, share = asked <= waiting ? 1 : waiting / asked;
                served *= share, left *= share;

                in_transit[i][l] = LARGER(transit + dt * (departures - arrivals - home), 0);
                at_border[i][l] = LARGER(border + dt * (arrivals + left - acting), 0);
                in_queue[i][l] = LARGER(waiting + dt * (joined - served - left), 0);
                belief[i][l] += belief_rate[l] * (1 - passage - belief[i][l]);
                crossings[i][l] += crossed;
                admitted[i][l] += served;
                all_crossings[l] += crossed;
            }
            EACH_LANE {
                capacity[l] += capacity_rate[l] * (places_set - capacity[l]);
                enforcement[l] += enforcement_rate[l] * (effort_set - enforcement[l]);
            }
        }

        EACH_PLACE {
            const long at = ((long)m * PLACES + i) * draws + first;
            store(it->outputs[CROSSINGS] + at, crossings[i], mean, count);
            store(it->outputs[ADMITTED] + at, admitted[i], mean, count);
            store(it->outputs[IN_QUEUE] + at, in_queue[i], 1, count);
        }
        store(it->outputs[WAIT] + (long)m * draws + first, wait, mean, count);
        store(it->outputs[CROSSINGS_TOTAL] + (long)m * draws + first, all_crossings, mean, count);
    }
}

static void *work(void *given) {
    job *it = given;
    for (;;) {
        const int first = atomic_fetch_add(&it->next_block, 1) * LANES;
        if (first >= it->draws) return NULL;
        run_block(it, first);
    }
}

/* Run the subset. Arrays have the draws on the last axis; outputs are in the order of KEEP. */
void subset_run(int draws, int months, int steps, int threads, const REAL *const *parameters,
                const REAL *const *inputs, REAL *const *outputs) {
    job it = {draws, months, steps, parameters, inputs, outputs, 0};
    pthread_t others[MOST_THREADS];
    int started = 0;
    while (started < threads - 1 && started < MOST_THREADS && !pthread_create(&others[started], NULL, work, &it))
        started++;
    work(&it);
    for (int t = 0; t < started; t++) pthread_join(others[t], NULL);
}
