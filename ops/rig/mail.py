"""An SMTP server that keeps what it takes, for the rig: mail.py ADDRESS PORT DIR.

It speaks STARTTLS only. Each mail that it takes is a file DIR/mails/NUMBER.eml. DIR/answer says what it does with the next
ones: `250` takes them; `451` and `550` refuse each recipient so, and note it as a line of DIR/refused; `lose` takes them, and
breaks off without saying so.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Keeper:
    def __init__(self, folder):
        self.folder = folder
        self.mails = folder / "mails"
        self.mails.mkdir(exist_ok=True)

    def answer(self):
        return (self.folder / "answer").read_text().strip()

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.answer()
        if answer in ("451", "550"):
            with (self.folder / "refused").open("a") as refused:
                refused.write(f"{answer} {address}\n")
            return "451 4.7.1 come back later" if answer == "451" else f"550 5.1.1 there is no {address}"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        # Before the mail can be seen: whoever sees it may ask for another answer.
        answer = self.answer()
        number = len(list(self.mails.iterdir()))
        head = f"X-Rig-To: {','.join(envelope.rcpt_tos)}\r\n".encode()
        unfinished = self.folder / "unfinished"
        unfinished.write_bytes(head + envelope.original_content)
        unfinished.rename(self.mails / f"{number:06}.eml")
        if answer == "lose":
            server.transport.abort()
            return "451 never heard"
        return "250 2.0.0 OK"


async def main(address, port, folder):
    folder = pathlib.Path(folder)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "site.pem")
    keeper = Keeper(folder)

    def session():
        return SMTP(keeper, hostname="sink", tls_context=tls, require_starttls=True, enable_SMTPUTF8=False)

    server = await asyncio.get_running_loop().create_server(session, address, int(port))
    (folder / "listens").touch()
    async with server:
        await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
