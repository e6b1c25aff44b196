/*
 * Seq Sync in a small scope: two senders, one inbox, two devices, over a network that loses, duplicates, delays and
 * reorders.
 *
 * Written from docs/spec/model.md alone. Each request goes into a bag: a lossy network is one from which a copy may be
 * taken at any time, any number of times or never. A response is delivered at once or is lost; a response to a device may
 * be late as well. README.md has the command, and the switches that break the model to show that the property can fail.
 */
#define SENDERS 2
#define EACH    2                     /* messages of each sender */
#define ALL     (SENDERS * EACH)
#define DEVICES 2

/* The server: the inbox and its dedup records. */
byte svr_seq, acked_seq;
byte confirmed_ack;                   /* the highest cursor of a successful Sync; for the property only, the server does not use it */
byte message[ALL + 1];                /* by seq; 0 if there is none, else the name of the message */
byte times[ALL + 1];                  /* by name: number of acceptances */

/* The clients. */
byte confirmed[SENDERS];              /* messages that the sender knows to be accepted */
byte cli_seq[DEVICES];
bit  waiting[DEVICES];                /* a response is in flight: the messages in (base, next] */
byte base[DEVICES], next[DEVICES];
byte has[DEVICES];                    /* bit n: the device has stored seq n */

/* Requests that were sent, and may arrive at any time from now on. */
byte attempted[SENDERS];              /* messages up to this one were sent */
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

/* The acknowledging half of Sync. A cursor is never ahead here: devices send only cursors that they were given. */
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
  :: c > confirmed_ack -> confirmed_ack = c
  :: else -> skip
  fi
}

active [SENDERS] proctype Sender() {
  byte me = _pid;
  do
  :: attempted[me] < EACH && attempted[me] == confirmed[me] -> attempted[me]++
  :: atomic {                                             /* the request arrives, and so does the response */
       confirmed[me] < attempted[me] -> accept(name(me, confirmed[me])); confirmed[me]++
     }
  :: confirmed[me] == EACH -> break
  od
}

active [DEVICES] proctype Device() {
  byte me = _pid - SENDERS;
end:
  do
  :: asked = asked | (1 << cli_seq[me])                   /* a request whose response is lost, or that arrives later */
  :: atomic {                                             /* a request that arrives; its response is in flight */
       asked = asked | (1 << cli_seq[me]);
       ack(cli_seq[me]);
       base[me] = acked_seq;
       if                                                 /* a page with one message, or with all */
       :: next[me] = svr_seq
       :: acked_seq < svr_seq -> next[me] = acked_seq + 1
       fi;
#ifdef DELIVERY_ACKS
       acked_seq = next[me];
#endif
       waiting[me] = 1
     }
  :: atomic {                                             /* the response arrives: store the messages, then the cursor */
       waiting[me] ->
       has[me] = has[me] | bits(base[me], next[me]);
#ifdef ADOPT_SVR_SEQ
       cli_seq[me] = svr_seq;
#else
       cli_seq[me] = next[me];
#endif
       waiting[me] = 0; base[me] = 0; next[me] = 0
     }
  :: atomic { waiting[me] -> waiting[me] = 0; base[me] = 0; next[me] = 0 }   /* the response is lost */
  od
}

/* Old requests arrive again, in any order, any number of times. */
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
#define visible        (times[1] >= (confirmed[0] > 0) && times[2] >= (confirmed[0] > 1) && \
                      times[3] >= (confirmed[1] > 0) && times[4] >= (confirmed[1] > 1))
/* Everything that a successful Sync has acknowledged stays acknowledged: no page starts below it. */
#define monotone     (acked_seq == confirmed_ack)
/* A device that has moved its cursor has each message up to it, or the message is acknowledged. */
#define noGap(d)     ((upTo(cli_seq[d]) & ~upTo(acked_seq) & ~has[d]) == 0)
#define bounded      (acked_seq <= svr_seq && svr_seq <= ALL && cli_seq[0] <= svr_seq && cli_seq[1] <= svr_seq)

ltl safety { [] (once && consecutive && noLoss && visible && monotone && noGap(0) && noGap(1) && bounded) }
