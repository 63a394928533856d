//! The style sheet, the script modules and the logo, built into the program.

use crate::app::App;
use axum::Router;
use axum::routing::get;
use http::header;

const FILES: [(&str, &str, &[u8]); 7] = [
    ("/static/passquorum.css", "text/css; charset=utf-8", include_bytes!("../static/passquorum.css")),
    ("/static/passquorum.js", "text/javascript; charset=utf-8", include_bytes!("../static/passquorum.js")),
    ("/static/captcha.js", "text/javascript; charset=utf-8", include_bytes!("../static/captcha.js")),
    ("/static/admin.css", "text/css; charset=utf-8", include_bytes!("../static/admin.css")),
    ("/static/admin.js", "text/javascript; charset=utf-8", include_bytes!("../static/admin.js")),
    ("/static/designer.js", "text/javascript; charset=utf-8", include_bytes!("../static/designer.js")),
    ("/static/logo.svg", "image/svg+xml", include_bytes!("../static/logo.svg")),
];

pub(crate) fn routes() -> Router<App> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, content)| {
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300")];
        router.route(path, get(move || async move { (headers, content) }))
    })
}
