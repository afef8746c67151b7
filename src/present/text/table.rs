//! A sheet as aligned columns.

use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement, Table, presets};

use crate::present::{Draw, Sheet};

/// Draws a sheet, its heading first; without rows nothing. Lines end in a newline.
pub fn draw(sheet: &Sheet, draw: Draw) -> String {
    if sheet.rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(sheet.columns.iter().map(|column| &*column.name));
    if let Some(width) = draw.width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    if draw.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    for row in &sheet.rows {
        table.add_row(row.iter().map(|cell| {
            let drawn = comfy_table::Cell::new(&cell.text);
            if cell.loud {
                drawn.fg(Color::Red).add_attribute(Attribute::Bold)
            } else {
                drawn
            }
        }));
    }
    for (at, column) in sheet.columns.iter().enumerate() {
        let Some(found) = table.column_mut(at) else {
            continue;
        };
        found.set_padding((0, 2));
        if column.numeric {
            found.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}
