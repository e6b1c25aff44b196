/*
 * Seq Sync in a small scope: two senders, one inbox, two devices, over a network that loses, doubles, delays and overtakes.
 *
 * Written from docs/spec/model.md alone. Each request goes through a bag: a lossy network is one from which a copy may be taken
 * any time, again and again or never. An answer goes straight back or is lost; a device's answer may be late as well.
 * README.md has the command, and the switches that break the model so that the property is seen to fail.
 */
#define SENDERS 2
#define EACH    2                     /* messages of each sender */
#define ALL     (SENDERS * EACH)
#define DEVICES 2

/* The server: the inbox and its dedup records. */
byte svr_seq, acked_seq;
byte answered;                        /* the highest cursor that was answered; only to look at, the server does not use it */
byte message[ALL + 1];                /* by seq; 0 is none, else the message's name */
byte times[ALL + 1];                  /* by name: how often it was accepted */

/* The clients. */
byte confirmed[SENDERS];              /* messages whose acceptance the sender has heard of */
byte cli_seq[DEVICES];
bit  waiting[DEVICES];                /* an answer is on its way: the messages in (base, next] */
byte base[DEVICES], next[DEVICES];
byte has[DEVICES];                    /* bit n: the device has stored seq n */

/* What was asked: requests that may arrive at any time from now on. */
byte attempted[SENDERS];              /* names up to this one were sent */
byte asked;                           /* bit n: some device sent cli_seq n */

#define name(sender, nr) ((sender) * EACH + (nr) + 1)
#define bits(from, to)   (((1 << ((to) + 1)) - 1) & ~((1 << ((from) + 1)) - 1))

/* Send, as one step: a known name creates nothing, a new one gets the next seq. */
inline accept(n) {
  if
#ifndef NO_DEDUP
  :: times[n] > 0 -> skip
#endif
  :: else -> svr_seq++; message[svr_seq] = n; times[n]++
  fi
}

/* The acknowledging half of Sync. A cursor is never ahead here: devices only send what they were given. */
inline ack(c) {
  assert(c <= svr_seq);
  if
#ifdef LAST_ACK_WINS
  :: acked_seq = c
#else
  :: c > acked_seq -> acked_seq = c
  :: else -> skip
#endif
  fi;
  if
  :: c > answered -> answered = c
  :: else -> skip
  fi
}

active [SENDERS] proctype Sender() {
  byte me = _pid;
  do
  :: attempted[me] < EACH && attempted[me] == confirmed[me] -> attempted[me]++
  :: atomic {                                             /* it arrives, and the answer too */
       confirmed[me] < attempted[me] -> accept(name(me, confirmed[me])); confirmed[me]++
     }
  :: confirmed[me] == EACH -> break
  od
}

active [DEVICES] proctype Device() {
  byte me = _pid - SENDERS;
end:
  do
  :: asked = asked | (1 << cli_seq[me])                   /* a request whose answer gets lost, or that comes later */
  :: atomic {                                             /* a request that arrives, and has an answer on its way */
       asked = asked | (1 << cli_seq[me]);
       ack(cli_seq[me]);
       base[me] = acked_seq;
       if                                                 /* a page of one message, or of all */
       :: next[me] = svr_seq
       :: acked_seq < svr_seq -> next[me] = acked_seq + 1
       fi;
#ifdef DELIVERY_ACKS
       acked_seq = next[me];
#endif
       waiting[me] = 1
     }
  :: atomic {                                             /* the answer arrives: store the messages, then the cursor */
       waiting[me] ->
       has[me] = has[me] | bits(base[me], next[me]);
#ifdef ADOPT_SVR_SEQ
       cli_seq[me] = svr_seq;
#else
       cli_seq[me] = next[me];
#endif
       waiting[me] = 0; base[me] = 0; next[me] = 0
     }
  :: atomic { waiting[me] -> waiting[me] = 0; base[me] = 0; next[me] = 0 }   /* it is lost */
  od
}

/* Old requests come back, in any order, any number of times. */
active proctype Network() {
  byte n, c;
end:
  do
  :: atomic { attempted[0] > 0 -> accept(name(0, attempted[0] - 1)) }
  :: atomic { attempted[0] > 1 -> accept(name(0, 0)) }
  :: atomic { attempted[1] > 0 -> accept(name(1, attempted[1] - 1)) }
  :: atomic { attempted[1] > 1 -> accept(name(1, 0)) }
  :: atomic { select(c : 0 .. ALL); if :: asked & (1 << c) -> ack(c) :: else -> skip fi; c = 0 }
  od
}

#define stored       (has[0] | has[1])
#define upTo(n)      bits(0, n)
#define once         (times[1] <= 1 && times[2] <= 1 && times[3] <= 1 && times[4] <= 1)
#define consecutive  (svr_seq == times[1] + times[2] + times[3] + times[4] && (svr_seq == ALL || message[svr_seq + 1] == 0))
#define noLoss       ((upTo(acked_seq) & ~stored) == 0)
#define heard        (times[1] >= (confirmed[0] > 0) && times[2] >= (confirmed[0] > 1) && \
                      times[3] >= (confirmed[1] > 0) && times[4] >= (confirmed[1] > 1))
/* What an answered Sync has acknowledged stays so: no page starts below it. */
#define monotone     (acked_seq == answered)
/* A device that has moved its cursor has each message up to it, or somebody has acknowledged it. */
#define noGap(d)     ((upTo(cli_seq[d]) & ~upTo(acked_seq) & ~has[d]) == 0)
#define bounded      (acked_seq <= svr_seq && svr_seq <= ALL && cli_seq[0] <= svr_seq && cli_seq[1] <= svr_seq)

ltl safety { [] (once && consecutive && noLoss && heard && monotone && noGap(0) && noGap(1) && bounded) }
