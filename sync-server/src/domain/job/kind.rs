//! What jobs there are: the one table of their names, order and needs.

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Photos of one person.
    Photos,
    /// A clip of one person.
    Clip,
    /// Persons and photos from an archive.
    Import,
    /// The whole installation into one file.
    Backup,
    /// A model pack's templates of kept pictures, and its comparison.
    Packs,
}

/// What a job's items keep busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The model threads: as many items at once as there are, and a few to follow.
    Models,
    /// The decoder of clips: one at a time, so that those that wait keep no photo waiting.
    Clips,
    /// The disk: one item at a time.
    Disk,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Models, Self::Clips, Self::Disk];
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Photos, Self::Clip, Self::Import, Self::Backup, Self::Packs];

    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Photos => "photos",
            Self::Clip => "clip",
            Self::Import => "import",
            Self::Backup => "backup",
            Self::Packs => "packs",
        }
    }

    /// Reads a kind's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What its items keep busy.
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::Photos | Self::Import | Self::Packs => Lane::Models,
            Self::Clip => Lane::Clips,
            Self::Backup => Lane::Disk,
        }
    }

    /// Whether items of a phase are so small that many are leased, done and ended together: else the flushes around each
    /// would take longer than the item.
    #[must_use]
    pub const fn is_small(self, phase: u32) -> bool {
        matches!((self, phase), (Self::Import, 0))
    }

    /// Lower goes first; jobs of the same go in the order they were asked for. Somebody waits at a screen for a
    /// person's photos or clip, and for an archive overnight; for a pack nobody does.
    #[must_use]
    pub const fn priority(self) -> i64 {
        match self {
            Self::Photos | Self::Clip => 10,
            Self::Backup => 20,
            Self::Import => 30,
            Self::Packs => 40,
        }
    }

    /// What it is doing in a phase, in words.
    #[must_use]
    pub const fn step(self, phase: u32) -> &'static str {
        match (self, phase) {
            (Self::Import, 0) => "adding persons",
            (Self::Photos | Self::Import, _) => "reading photos",
            (Self::Clip, _) => "looking through the clip",
            (Self::Backup, _) => "writing the backup",
            (Self::Packs, 0) => "making templates of kept pictures",
            (Self::Packs, _) => "comparing",
        }
    }
}
