/// The technician's page: one self-contained document that draws `/api/status`.
///
/// It must work on a phone in the sun, on a box that reaches no other server: no assets from outside, high contrast,
/// states told by words and signs and not by colour alone. Whatever comes from devices is set as text, never as markup.
enum Page {
  static let html = Array(
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Lumbung</title>
    <style>
    \(style)
    </style>
    </head>
    <body>
    \(markup)
    <script>
    'use strict';
    const words = \(words);
    \(script)
    </script>
    </body>
    </html>

    """.utf8)
}
