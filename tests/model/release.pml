/*
 * tests/model/release.pml - the release protocol, with everything in it that lies.
 *
 * Four custodians, the last of them lies (f = 1); k = 3, q = 3: the smallest network that may have
 * a liar. The coordinator is the adversary: it has two versions of the log, and decides who
 * sees which, how far, and who is asked for what. A person says one "no" and hands it to whom
 * the adversary lets it reach, when it lets it. One custodian may lose its database and keep its
 * token; any may be killed between two steps. README.md maps all of this to the code.
 *
 * -DHONEST is another question about the same custodians: with a coordinator that is honest,
 * the liar silent and kills here and there, does the release complete?
 * -DFLAW=1..9 takes one thing away that the assertions stand on: each must be found.
 */
#ifndef FLAW
#define FLAW	0
#endif

#define H	3		/* honest custodians; the liar is no process: it signs all, always */
#define N	4
#define F	1
#define K	3
#if FLAW == 2
#define Q	2		/* 2q > n+f does not hold */
#else
#define Q	3
#endif

/*
 * A log is what follows the request: approvals, and then the order and the "no", in one order or the other.
 * Whether the approvals are of two people, or of one who has both roles, the adversary chooses, too.
 */
#define SIZE	3
bit	humans[2];		/* the first entry: 1: of two people */
bit	no_first[2];		/* the second entry: 1: the "no", and then the order */

#define ORDER(b)	(1 + no_first[b])	/* its index */
#define NO(b)		(2 - no_first[b])

/* Each custodian, its database: */
byte	on[H];			/* which log it holds */
byte	held[H];		/* and how much of it: 0..SIZE */
byte	top[H];			/* the largest size that it signed */
byte	known[H];		/* the largest size of its log that it knows to be cosigned by q */
bit	handed[H];		/* the "no" was handed to it */
bit	acted[H];		/* the journal says that it carries the order out; looked at when it does */
bit	deciding[H];		/* its process said yes, and did not open its share yet */
/* The token of custodian 0, which may lose its database; all are alike, so it stands for any: */
bit	counted;		/* steps were taken: a database without them is an old one */
byte	floor_, floor_on;	/* the largest size signed, and of which log */
bit	restored;		/* its token knew more than its database */
/* What the world saw: */
byte	cosigs[6];		/* of log b at size s: [b * SIZE + s - 1]: bit i */
bit	late[H];		/* it contributed after the "no" was with a quorum */
bit	lost;
#ifdef HONEST
bit	given[H];		/* it contributed */
bit	killed;
#define UNTIL_GIVEN(i)	(!given[i])
#define MAY_KILL	(!killed)
#else
#define UNTIL_GIVEN(i)	true	/* it may be asked again */
#define MAY_KILL	true
#endif

#define AT(b, s)	((b) * SIZE + (s) - 1)
#define COUNT(m)	(((m) & 1) + (((m) >> 1) & 1) + (((m) >> 2) & 1))
/* The liar's is always there. */
#ifdef HONEST
#define QUORUM(b, s)	(COUNT(cosigs[AT(b, s)]) >= Q)
#else
#define QUORUM(b, s)	(COUNT(cosigs[AT(b, s)]) + F >= Q)
#endif
#define TAKEN	(handed[0] + handed[1] + handed[2])
#define GIVEN	(given[0] + given[1] + given[2])
#define LATE	(late[0] + late[1] + late[2])

/* --- custodian/append.c: entries come; those that were held stay ------------------------------- */

#if FLAW == 3		/* from one log to another, with no quorum behind it */
#define MAY_TAKE(i, b, s)	(held[i] < (s))
#else
#define MAY_TAKE(i, b, s)	(held[i] < (s) && (held[i] == 0 || on[i] == (b)))
#endif
inline take(i, b, s)
{
	on[i] = b;
	held[i] = s
}

/* custodian/rebuild.c: what q cosigned contradicts the tail: it is dropped. */
#define MAY_REBUILD(i, b, s)	(held[i] > 0 && on[i] != (b) && QUORUM(b, s) && known[i] == 0)
inline rebuild(i, b, s)
{
	on[i] = b;
	held[i] = s;
	known[i] = s
}

/* --- custodian/cosign.c, steps.c: never a second root of one size, nor a smaller tree ------------- */

#define NEW(i, s)	((s) > top[i])
#if FLAW == 4		/* a restart forgets what was signed: the token is not asked */
#define KEEPS_TO(i, b, s)	true
#else
#define KEEPS_TO(i, b, s)	((i) != 0 || !restored || (s) > floor_ && ((b) == floor_on || known[i] >= floor_) || \
				    (s) == floor_ && (b) == floor_on)
#endif
#if FLAW == 5		/* a checkpoint of a log that it does not hold */
#define REPLAYED(i, b, s)	(held[i] >= (s))
#else
#define REPLAYED(i, b, s)	(on[i] == (b) && held[i] >= (s))
#endif
#define MAY_SIGN(i, b, s)	(REPLAYED(i, b, s) && NEW(i, s) && KEEPS_TO(i, b, s) && \
				    !(cosigs[AT(b, s)] >> (i) & 1))
inline sign(i, b, s)
{
	top[i] = s;
	if
	:: i == 0 -> counted = 1; floor_ = s; floor_on = b
	:: else
	fi;
	cosigs[AT(b, s)] = cosigs[AT(b, s)] | (1 << i)
}

/* A note that q cosigned, brought to who holds that much. */
#define MAY_LEARN(i, s)	(held[i] >= (s) && known[i] < (s) && QUORUM(on[i], s))

/* --- policy/act.c, custodian/contribute.c ------------------------------------------------------------- */

#if FLAW == 6		/* roles are counted, and not people */
#define APPROVED(b)	true
#else
#define APPROVED(b)	(humans[b] == 1)
#endif
#if FLAW == 1		/* the order is in its log, and q did not cosign that */
#define COSIGNED(i)	true
#else
#define COSIGNED(i)	(known[i] > ORDER(on[i]))
#endif
#if FLAW == 7		/* the "no" that was handed to it alone is not looked at */
#define UNOPPOSED(i)	true
#else
#define UNOPPOSED(i)	(!handed[i])
#endif
#if FLAW == 8		/* what it forgot does not stop it */
#define REMEMBERS(i)	true
#else
#define REMEMBERS(i)	((i) != 0 || !restored)
#endif
#define IN_LOG(i)	(held[i] > ORDER(on[i]))
#define NO_IN_LOG(i)	(held[i] > NO(on[i]))
#define MAY_ACT(i)	(IN_LOG(i) && APPROVED(on[i]) && !NO_IN_LOG(i) && COSIGNED(i) && UNOPPOSED(i) && \
			    REMEMBERS(i) && UNTIL_GIVEN(i))

/* The keeper serves one call at a time: nothing comes between, but a kill. */
inline journal(i)
{
	deciding[i] = 1;
#if FLAW != 9		/* the share first, the journal after */
	acted[i] = 1;
#endif
	if
	:: i == 0 -> counted = 1
	:: else
	fi
}

inline contribute(i)
{
	/* 1, 7: two people approved, in a log that q stand behind. 3: the journal has it. 2: no "no" was handed to it. */
	assert(humans[on[i]] == 1);
	assert(QUORUM(on[i], 2) && ORDER(on[i]) < 2 || QUORUM(on[i], 3));
	assert(acted[i]);
	deciding[i] = 0;
	acted[i] = 0;
#ifdef HONEST
	given[i] = 1;
#endif
	if
	:: TAKEN >= Q - F -> late[i] = 1
	:: else
	fi;
	/* 2: a "no" that q took stands against every release. */
	assert(LATE + F < K)
}

/* --- what is done to them ---------------------------------------------------------------------------- */

inline kill(i)
{
#ifdef HONEST
	killed = 1;
#endif
	deciding[i] = 0;
	acted[i] = 0
}

/* The oldest copy there is: none. The token stays. */
inline lose()
{
	lost = 1;
	restored = counted;
	on[0] = 0;
	held[0] = 0;
	top[0] = 0;
	known[0] = 0;
	handed[0] = 0;
	acted[0] = 0;
	deciding[0] = 0
}

/* 8: 2q > n+f. */
#define TWO_PASTS	((QUORUM(0, 2) || QUORUM(0, 3)) && (QUORUM(1, 2) || QUORUM(1, 3)))

#define IDLE	(!deciding[0] && !deciding[1] && !deciding[2])

/* Of log b at size s ... */
#define OF_PAGE(i, b, s) \
	:: atomic { IDLE && MAY_TAKE(i, b, s) -> take(i, b, s) } \
	:: atomic { IDLE && MAY_REBUILD(i, b, s) -> rebuild(i, b, s) } \
	:: atomic { IDLE && MAY_SIGN(i, b, s) -> sign(i, b, s); assert(!TWO_PASTS) }

/* ... and what a custodian does besides. */
#define OF_ONE(i) \
	:: atomic { IDLE && MAY_LEARN(i, 2) -> known[i] = 2 } \
	:: atomic { IDLE && MAY_LEARN(i, 3) -> known[i] = 3 } \
	:: atomic { IDLE && MAY_ACT(i) -> journal(i) } \
	:: atomic { deciding[i] -> contribute(i) } \
	:: atomic { deciding[i] && MAY_KILL -> kill(i) }

active proctype world()
{
	/* The adversary's plan: both logs, whole.  */
	humans[0] = 1;
#ifndef HONEST
	if
	:: humans[0] = 0
	:: skip
	fi;
	if
	:: humans[1] = 1
	:: skip
	fi;
	if
	:: no_first[0] = 1
	:: skip
	fi;
	if
	:: no_first[1] = 1
	:: skip
	fi;
	/* The logs have no names: one order of the two is enough. */
	if
	:: humans[0] * 2 + no_first[0] >= humans[1] * 2 + no_first[1] -> skip
	:: else -> goto done
	fi;
#endif
	do
	OF_PAGE(0, 0, 2)
	OF_PAGE(1, 0, 2)
	OF_PAGE(2, 0, 2)
	OF_ONE(0)
	OF_ONE(1)
	OF_ONE(2)
#ifdef HONEST
	/* 5: when nothing more can happen, it is released. */
	:: timeout -> assert(GIVEN >= K); break
#else
	OF_PAGE(0, 0, 3)
	OF_PAGE(1, 0, 3)
	OF_PAGE(2, 0, 3)
	OF_PAGE(0, 1, 2)
	OF_PAGE(1, 1, 2)
	OF_PAGE(2, 1, 2)
	OF_PAGE(0, 1, 3)
	OF_PAGE(1, 1, 3)
	OF_PAGE(2, 1, 3)
	:: atomic { IDLE && !handed[0] && held[0] > 0 && !NO_IN_LOG(0) -> handed[0] = 1; counted = 1 }
	:: atomic { IDLE && !handed[1] && held[1] > 0 && !NO_IN_LOG(1) -> handed[1] = 1 }
	:: atomic { IDLE && !handed[2] && held[2] > 0 && !NO_IN_LOG(2) -> handed[2] = 1 }
	:: atomic { !lost -> lose() }
	:: timeout -> break
#endif
	od;
done:	skip
}
