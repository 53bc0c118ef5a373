//! A lane for each process, side by side; time runs downwards.

use anstyle::{AnsiColor, Color, Style};

use crate::picture::{Event, Phase, Picture};

/// The column of the times.
const TIME: usize = 10;
/// What a lane needs at least, so that its calls can be told.
const NARROWEST: usize = 28;
/// What a lane needs at most.
const WIDEST: usize = 72;

/// The picture as lines of text, with colours; anstream takes them out where they do not belong.
///
/// `width` is that of the terminal; what does not fit is cut, but no lane gets narrower than 28
/// columns.
pub fn terminal(picture: &Picture, width: usize) -> String {
    let columns = picture.columns.max(1);
    let lane = (width.saturating_sub(TIME) / columns).clamp(NARROWEST, WIDEST);
    let mut alive = vec![Life::None; columns];
    let mut lines = vec![format!("{:>8}", "ms")];
    let mut index = 0;
    while index < picture.events.len() {
        let event = &picture.events[index];
        let mut row = Row::new(&mut alive, lane);
        let used = row.draw(picture, event, None);
        // A birth to the right of the fork has room in the fork's row.
        let next = picture.events.get(index + 1).filter(|next| {
            next.phase == Phase::Born
                && next.causes.iter().any(|it| it.0 == index)
                && column(picture, next) > column(picture, event)
        });
        if let Some(next) = next {
            row.draw(picture, next, Some(used));
            index += 1;
        }
        let time = event.time.as_secs_f64() * 1e3;
        lines.push(format!("{time:>8.2}  {}", row.finish()));
        index += 1;
    }
    for (number, life) in alive.iter().enumerate() {
        if let Life::Asleep = life {
            let (style, reset) = (style(number).render(), anstyle::Reset.render());
            let indent = TIME + number * lane;
            lines.push(format!(
                "{:indent$}{style}┃ still blocked when the trace ended{reset}",
                ""
            ));
        }
    }
    lines.join("\n") + "\n"
}

fn column(picture: &Picture, event: &Event) -> usize {
    picture.lanes[event.lane].column
}

#[derive(Clone, Copy, PartialEq)]
enum Life {
    None,
    Awake,
    Asleep,
}

fn style(lane: usize) -> Style {
    let colours = [
        AnsiColor::Cyan,
        AnsiColor::Yellow,
        AnsiColor::Magenta,
        AnsiColor::Green,
        AnsiColor::Blue,
    ];
    Style::new().fg_color(Some(Color::Ansi(colours[lane % colours.len()])))
}

/// A line of cells, each with the lane whose colour it has.
struct Row<'a> {
    alive: &'a mut [Life],
    lane: usize,
    cells: Vec<(char, usize)>,
}

impl<'a> Row<'a> {
    fn new(alive: &'a mut [Life], lane: usize) -> Self {
        let mut cells = vec![(' ', 0); alive.len() * lane];
        for (number, life) in alive.iter().enumerate() {
            cells[number * lane] = match life {
                Life::None => (' ', number),
                Life::Awake => ('│', number),
                Life::Asleep => ('┃', number),
            };
        }
        Self { alive, lane, cells }
    }

    /// Draws an event; `after` is where the text ends that its cause has in the same row. Returns
    /// where its own text ends.
    fn draw(&mut self, picture: &Picture, event: &Event, after: Option<usize>) -> usize {
        let here = column(picture, event);
        let at = here * self.lane;
        let (mark, life) = match event.phase {
            Phase::Born => ('┬', Life::Awake),
            Phase::Once => ('├', self.alive[here]),
            Phase::Sleeps => ('┏', Life::Asleep),
            Phase::Wakes => ('┗', Life::Awake),
            Phase::Ends => ('┴', Life::None),
        };
        self.alive[here] = life;
        self.put(at, mark, here);

        let room = self.lane - 3;
        let mut text: Vec<char> = event.text.chars().collect();
        if text.len() > room {
            text.truncate(room - 1);
            text.push('…');
        }
        for (place, character) in text.iter().enumerate() {
            self.put(at + 2 + place, *character, here);
        }
        let end = at + 2 + text.len();

        let first = event.causes.first();
        let from = first.map(|(cause, _)| column(picture, &picture.events[*cause]));
        match from {
            Some(from) if from < here => {
                // From the left: up to the lifeline, from the other one or from what stands there.
                let tail = from * self.lane;
                if after.is_none() {
                    self.put(tail, '╞', from);
                }
                for cell in after.map_or(tail + 1, |it| it + 1)..at - 1 {
                    self.put(cell, '═', from);
                }
                self.put(at - 1, '▶', from);
            }
            Some(from) if from > here => {
                // From the right: up to the text.
                let tail = from * self.lane;
                self.put(tail, '╡', from);
                let head = (end + 1).min(tail - 1);
                for cell in head..tail {
                    self.put(cell, '═', from);
                }
                self.put(head, '◀', from);
            }
            _ => {}
        }
        end
    }

    fn put(&mut self, cell: usize, character: char, lane: usize) {
        self.cells[cell] = (character, lane);
    }

    fn finish(&self) -> String {
        let used = self
            .cells
            .iter()
            .rposition(|it| it.0 != ' ')
            .map_or(0, |it| it + 1);
        let mut line = String::new();
        let mut colour = None;
        for (character, lane) in &self.cells[..used] {
            if *character != ' ' && colour != Some(lane) {
                line += &style(*lane).render().to_string();
                colour = Some(lane);
            }
            line.push(*character);
        }
        line + &anstyle::Reset.render().to_string()
    }
}
