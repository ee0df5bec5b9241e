//! The daemons, who knows whom, and everything that befalls them.

use super::{
    DAY_MS, HOUR_MS,
    chance::Chance,
    side::{Said, Side},
    things::{Daemon, Happens, Pair, Shape, Told},
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

pub(super) struct World {
    now_ms: u64,
    end_ms: u64,
    order: u64,
    chance: Chance,
    queue: BinaryHeap<Reverse<(u64, u64, Happens)>>,
    daemons: Vec<Daemon>,
    pairs: Vec<Pair>,
    /// What is under way, with the link it travels on.
    air: HashMap<u64, (u64, Said)>,
    /// Every tag that was ever sent, with what it sealed.
    tags: HashMap<[u8; 16], u64>,
    told: Told,
}

impl World {
    pub(super) fn new(shape: &Shape, mut chance: Chance) -> Self {
        let daemons = (0..shape.daemons)
            .map(|_| Daemon {
                up: true,
                life: 0,
                skew_ms: skew(&mut chance),
                island: 0,
            })
            .collect();
        let mut pairs = Vec::new();
        while pairs.len() < shape.pairs {
            let daemons = [chance.index(shape.daemons), chance.index(shape.daemons)];
            if daemons[0] != daemons[1] {
                let keys = [chance.key(), chance.key()];
                pairs.push(Pair {
                    daemons,
                    sides: [Side::new(keys[0], keys[1]), Side::new(keys[1], keys[0])],
                    flushing: [false; 2],
                    tick_at: [u64::MAX; 2],
                    link: None,
                    last_ms: [0; 2],
                });
            }
        }
        let mut world = Self {
            now_ms: 0,
            end_ms: shape.span_ms,
            order: 0,
            chance,
            queue: BinaryHeap::new(),
            daemons,
            pairs,
            air: HashMap::new(),
            tags: HashMap::new(),
            told: Told::default(),
        };
        world.plan(shape);
        world
    }

    fn plan(&mut self, shape: &Shape) {
        for pair in 0..self.pairs.len() {
            for end in 0..2 {
                self.wake(pair, end);
                for _ in 0..shape.texts {
                    let mut at = self.chance.below(self.end_ms);
                    // People write several at a time.
                    for _ in 0..self.chance.below(3) {
                        self.at(at, Happens::Write { pair, end });
                        at += self.chance.below(20);
                    }
                }
            }
            for _ in 0..10 {
                let at = self.chance.below(self.end_ms);
                self.at(at, Happens::Cut { pair });
            }
        }
        for daemon in 0..self.daemons.len() {
            for _ in 0..8 {
                let at = self.chance.below(self.end_ms);
                self.at(at, Happens::Crash { daemon });
            }
            for _ in 0..3 {
                let at = self.chance.below(self.end_ms);
                self.at(at, Happens::Move { daemon });
                let at = self.chance.below(self.end_ms);
                self.at(at, Happens::Jump { daemon });
            }
        }
    }

    fn at(&mut self, at_ms: u64, happens: Happens) {
        self.order += 1;
        self.queue.push(Reverse((at_ms, self.order, happens)));
    }

    /// Everything goes wrong until the span is over; then nothing more does, for three days.
    pub(super) fn run(&mut self) {
        self.run_until(self.end_ms);
        for daemon in 0..self.daemons.len() {
            self.daemons[daemon].island = 0;
            if !self.daemons[daemon].up {
                self.boot(daemon);
            }
        }
        self.run_until(self.end_ms + 3 * DAY_MS);
    }

    fn run_until(&mut self, end_ms: u64) {
        while let Some(Reverse((at_ms, _, happens))) = self.queue.peek().copied() {
            if at_ms > end_ms {
                break;
            }
            self.queue.pop();
            self.now_ms = at_ms;
            self.happen(happens);
        }
        self.now_ms = end_ms;
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Write { pair, end } => self.write(pair, end),
            Happens::Flush { pair, end, life } if self.lives(pair, end, life) => {
                self.flush(pair, end);
            }
            Happens::Tick { pair, end, life } if self.lives(pair, end, life) => {
                self.pairs[pair].tick_at[end] = u64::MAX;
                self.tick(pair, end);
            }
            Happens::Dialled { pair, end, life } if self.lives(pair, end, life) => {
                self.dialled(pair, end);
            }
            Happens::Arrives { pair, end, said } => self.arrives(pair, end, said),
            Happens::Cut { pair } => self.cut(pair),
            Happens::Crash { daemon } if self.daemons[daemon].up => self.crash(daemon),
            Happens::Boot { daemon } if !self.daemons[daemon].up => self.boot(daemon),
            Happens::Jump { daemon } => self.daemons[daemon].skew_ms = skew(&mut self.chance),
            Happens::Move { daemon } => {
                self.daemons[daemon].island = self.chance.below(3);
                for pair in self.pairs_of(daemon) {
                    self.cut(pair);
                }
            }
            _ => {}
        }
    }

    fn lives(&self, pair: usize, end: usize, life: u64) -> bool {
        let daemon = &self.daemons[self.pairs[pair].daemons[end]];
        daemon.up && daemon.life == life
    }

    fn life(&self, pair: usize, end: usize) -> u64 {
        self.daemons[self.pairs[pair].daemons[end]].life
    }

    fn wall_ms(&self, pair: usize, end: usize) -> i64 {
        let skew = self.daemons[self.pairs[pair].daemons[end]].skew_ms;
        1_700_000_000_000 + i64::try_from(self.now_ms).unwrap() + skew
    }

    fn pairs_of(&self, daemon: usize) -> Vec<usize> {
        let knows = |pair: &usize| self.pairs[*pair].daemons.contains(&daemon);
        (0..self.pairs.len()).filter(knows).collect()
    }

    fn write(&mut self, pair: usize, end: usize) {
        if self.daemons[self.pairs[pair].daemons[end]].up {
            let wall_ms = self.wall_ms(pair, end);
            self.pairs[pair].sides[end].write(wall_ms);
            self.pairs[pair].sides[end].lane.freshen(self.now_ms);
            self.wake(pair, end);
            self.disturb(pair);
        }
    }

    /// Trouble comes when something is under way, more often than not.
    fn disturb(&mut self, pair: usize) {
        let at = self.now_ms + self.chance.below(600);
        let daemon = self.pairs[pair].daemons[self.chance.index(2)];
        match self.chance.below(10) {
            0 => self.at(at, Happens::Crash { daemon }),
            1 | 2 => self.at(at, Happens::Cut { pair }),
            _ => {}
        }
    }

    /// Sees to it that whatever this side waits for happens.
    fn wake(&mut self, pair: usize, end: usize) {
        let (now_ms, life) = (self.now_ms, self.life(pair, end));
        let wall_ms = self.wall_ms(pair, end);
        let known = &mut self.pairs[pair];
        known.sides[end].acknowledge(wall_ms);
        if known.sides[end].is_dirty() && !known.flushing[end] {
            known.flushing[end] = true;
            let at = now_ms + 1 + self.chance.below(5);
            self.at(at, Happens::Flush { pair, end, life });
        }
        let known = &mut self.pairs[pair];
        let lane = &known.sides[end].lane;
        let never_tried = !lane.link && !lane.dialing && lane.next_try_ms.is_none();
        let due = lane.next_ms().or(never_tried.then_some(now_ms));
        if let Some(due) = due
            .map(|due| due.max(now_ms))
            .filter(|due| *due < known.tick_at[end])
        {
            known.tick_at[end] = due;
            self.at(due, Happens::Tick { pair, end, life });
        }
    }

    fn flush(&mut self, pair: usize, end: usize) {
        self.pairs[pair].flushing[end] = false;
        let said = self.pairs[pair].sides[end].flush(self.now_ms);
        self.say(pair, end, said);
        self.wake(pair, end);
    }

    fn tick(&mut self, pair: usize, end: usize) {
        let (now_ms, life) = (self.now_ms, self.life(pair, end));
        let side = &mut self.pairs[pair].sides[end];
        side.lane.overdue(now_ms);
        if !side.lane.link && !side.lane.dialing {
            if side.lane.next_try_ms.is_none() {
                side.lane.reset(now_ms);
            }
            if side.lane.is_due(now_ms) {
                side.lane.dialing = true;
                side.lane.last_try_ms = Some(now_ms);
                let at = now_ms + 20 + self.chance.below(300);
                self.at(at, Happens::Dialled { pair, end, life });
            }
        }
        let said = self.pairs[pair].sides[end].rewind(now_ms);
        self.say(pair, end, said);
        self.wake(pair, end);
    }

    fn dialled(&mut self, pair: usize, end: usize) {
        if self.pairs[pair].link.is_some() {
            return;
        }
        let [a, b] = self.pairs[pair].daemons.map(|daemon| &self.daemons[daemon]);
        if a.up && b.up && a.island == b.island && !self.chance.is(5) {
            self.told.links += 1;
            self.pairs[pair].link = Some(self.told.links);
            for end in 0..2 {
                let said = self.pairs[pair].sides[end].link_up(self.now_ms);
                self.say(pair, end, said);
                self.wake(pair, end);
            }
        } else {
            let random = self.chance.next();
            self.pairs[pair].sides[end].lane.failed(self.now_ms, random);
            self.wake(pair, end);
        }
    }

    fn say(&mut self, pair: usize, end: usize, said: Vec<Said>) {
        let Some(link) = self.pairs[pair].link else {
            return;
        };
        for said in said {
            if let Said::Parcel(_, parcel) = &said {
                self.check_tag(parcel);
            }
            let last = &mut self.pairs[pair].last_ms[end];
            *last = (*last).max(self.now_ms + 1 + self.chance.below(200));
            let at = *last;
            self.order += 1;
            let number = self.order;
            self.air.insert(number, (link, said));
            let end = 1 - end;
            let said = number;
            self.at(at, Happens::Arrives { pair, end, said });
        }
    }

    fn check_tag(&mut self, parcel: &[u8]) {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        parcel.hash(&mut hasher);
        let content = hasher.finish();
        let tag = *parcel.first_chunk().unwrap();
        let before = self.tags.insert(tag, content);
        assert!(
            before.is_none_or(|before| before == content),
            "a tag sealed two parcels"
        );
    }

    fn arrives(&mut self, pair: usize, end: usize, number: u64) {
        let Some((link, said)) = self.air.remove(&number) else {
            return;
        };
        if self.pairs[pair].link != Some(link) {
            return;
        }
        let delivered = self.pairs[pair].sides[end].hear(&said, self.now_ms);
        for seq in delivered {
            let reader = &self.pairs[pair].sides[1 - end];
            assert!(
                reader.has(seq),
                "called delivered and not on the reader's disk"
            );
        }
        let said = self.pairs[pair].sides[end].pump(self.now_ms);
        self.say(pair, end, said);
        self.wake(pair, end);
    }

    fn cut(&mut self, pair: usize) {
        if self.pairs[pair].link.take().is_none() {
            return;
        }
        for end in 0..2 {
            let random = self.chance.next();
            // Whoever lost the other without a goodbye sees it within five seconds; until
            // then what it sends is lost as well.
            self.pairs[pair].sides[end]
                .lane
                .link_down(self.now_ms, random);
            self.wake(pair, end);
        }
    }

    fn crash(&mut self, daemon: usize) {
        self.told.crashes += 1;
        self.daemons[daemon].up = false;
        for pair in self.pairs_of(daemon) {
            self.cut(pair);
            let end = usize::from(self.pairs[pair].daemons[1] == daemon);
            self.pairs[pair].sides[end].crash();
        }
        let away = if self.chance.is(50) {
            self.chance.below(2_000)
        } else {
            self.chance.below(36 * HOUR_MS)
        };
        self.at(self.now_ms + away, Happens::Boot { daemon });
    }

    fn boot(&mut self, daemon: usize) {
        self.daemons[daemon].up = true;
        self.daemons[daemon].life += 1;
        for pair in self.pairs_of(daemon) {
            let end = usize::from(self.pairs[pair].daemons[1] == daemon);
            self.pairs[pair].flushing[end] = false;
            self.pairs[pair].tick_at[end] = u64::MAX;
            self.wake(pair, end);
        }
    }

    /// Looks at every conversation.
    pub(super) fn finish(mut self) -> Told {
        for pair in &self.pairs {
            for end in 0..2 {
                let (author, reader) = (&pair.sides[end].flushed, &pair.sides[1 - end].flushed);
                let all: Vec<u64> = (1..=author.written).collect();
                assert_eq!(reader.shown, all, "lost, doubled or out of order");
                assert!(author.rows.is_empty(), "delivered and still waiting");
                self.told.written += author.written;
                self.told.shown += u64::try_from(reader.shown.len()).unwrap();
                self.told.delivered += u64::try_from(author.delivered.len()).unwrap();
                self.told.repeated += pair.sides[end].repeated;
                self.told.epochs = self.told.epochs.max(pair.sides[end].epoch());
            }
        }
        self.told
    }
}

/// Up to two days off, either way.
fn skew(chance: &mut Chance) -> i64 {
    let two_days = 2 * DAY_MS;
    i64::try_from(chance.below(2 * two_days)).unwrap() - i64::try_from(two_days).unwrap()
}
