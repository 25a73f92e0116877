/**
 * How far one operation has come among the changes that all follow, and what it has to go through next. It keeps no events, only its
 * place: whoever is slow reads its own way up.
 */
import { type Batch, type Follower, type Following, isBeyond, type News, type NewsChange, type Place } from '../change/news.ts';

export type Way = {
  /** The last place that it came to. */
  at(): Place;
  /** It need not be told what is up to there. */
  came(to: Place): void;
  /** What of some changes it follows, and has not been told. */
  relevant(batch: Batch): NewsChange[];
  /** What comes next, as soon as there is something. Null: it was woken, or has to look again. */
  next(): Promise<Batch | null>;
  /** Ends the waiting for what comes next. */
  wake(): void;
  /** Follows no longer. */
  leave(): void;
};

/**
 * @param following what is followed, today.
 * @param readAlone reads what was missed from a place on; null: nobody waits for it any more.
 */
export function createWay(
  news: News,
  from: Place,
  following: () => Following,
  readAlone: (from: Place, following: Following) => Promise<Batch | null>,
): Way {
  let place = from;
  /** Changes to go through; `behind`: more than these, to be read anew. */
  let waiting: Batch | 'behind' | null = null;
  let joined = false;
  let busy = true;
  let wake = () => {};
  const came = (to: Place) => {
    if (isBeyond(to, place)) place = to;
  };
  const relevant = ({ changes }: Batch): NewsChange[] => {
    const { login, family } = following();
    const inbox = (change: NewsChange) => change.login === login && change.families.length === 0;
    const ofFamily = (change: NewsChange) => (change.login === 0 || change.login === login) && change.families.includes(family as string);
    return changes.filter((change) => isBeyond(change.place, place) && (family === null ? inbox(change) : ofFamily(change)));
  };
  const follower: Follower = {
    following,
    told(batch) {
      if (!busy && waiting === null && relevant(batch).length === 0) came(batch.end);
      else {
        waiting = busy || waiting !== null ? 'behind' : batch;
        wake();
      }
    },
    missed(end) {
      if (!isBeyond(end, place)) return;
      waiting = 'behind';
      wake();
    },
  };
  return {
    at: () => place,
    came,
    relevant,
    async next() {
      const found = waiting;
      waiting = null;
      if (found === 'behind') {
        news.leave(follower);
        joined = false;
      } else if (found !== null) return found;
      if (!joined) {
        joined = news.join(follower, place);
        return joined ? null : readAlone(place, following());
      }
      busy = false;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      busy = true;
      return null;
    },
    wake: () => wake(),
    leave: () => news.leave(follower),
  };
}
