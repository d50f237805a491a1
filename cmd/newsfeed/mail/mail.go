// Package mail sends short letters through the operator's SMTP server. It knows
// nothing of what they say.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Sender sends letters one at a time, each over a connection of its own. Safe for
// concurrent use.
type Sender struct {
	server *url.URL // smtp: with STARTTLS; smtps: TLS from the start
	from   mail.Address
	now    func() time.Time
}

// patience is how long a letter may take to hand over when its context says nothing.
const patience = 30 * time.Second

// New returns a sender through a server, smtp://[user:password@]host[:587] or
// smtps://…[:465]. A server on another machine must speak TLS: a letter may hold
// the key to an account. The password is in no error.
func New(server, from string) (*Sender, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, errors.New("the mail server's address must be smtp://host:587 or smtps://host:465")
	}
	address, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("the sender's address %q cannot be read: %w", from, err)
	}
	return &Sender{u, *address, time.Now}, nil
}

// Send hands a letter over. to is a bare address, in which no line break can be.
func (s *Sender) Send(ctx context.Context, to, subject, text string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the mail server %s: %w", s.server.Host, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if err := s.handOver(conn, to, s.letter(to, subject, text)); err != nil {
		return fmt.Errorf("hand a letter over to %s: %w", s.server.Host, quiet(err))
	}
	return nil
}

// quiet leaves out what a server says beside its code: that may name the address,
// which is to be in no log.
func quiet(err error) error {
	var refused *textproto.Error
	if errors.As(err, &refused) {
		return fmt.Errorf("it answered %d", refused.Code)
	}
	return err
}

func (s *Sender) dial(ctx context.Context) (net.Conn, error) {
	port, secure := s.server.Port(), s.server.Scheme == "smtps"
	switch {
	case port == "" && secure:
		port = "465"
	case port == "":
		port = "587"
	}
	address := net.JoinHostPort(s.server.Hostname(), port)
	if secure {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, "tcp", address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

func (s *Sender) tls() *tls.Config {
	return &tls.Config{ServerName: s.server.Hostname(), MinVersion: tls.VersionTLS12}
}

var errPlain = errors.New("it does not offer STARTTLS")

func (s *Sender) handOver(conn net.Conn, to string, letter []byte) error {
	c, err := smtp.NewClient(conn, s.server.Hostname())
	if err != nil {
		return err
	}
	if ok, _ := c.Extension("STARTTLS"); ok && s.server.Scheme == "smtp" {
		err = c.StartTLS(s.tls())
	} else if s.server.Scheme == "smtp" && !isLocal(s.server.Hostname()) {
		err = errPlain
	}
	if user := s.server.User; err == nil && user != nil {
		password, _ := user.Password()
		err = c.Auth(smtp.PlainAuth("", user.Username(), password, s.server.Hostname()))
	}
	if err == nil {
		err = c.Mail(s.from.Address)
	}
	if err == nil {
		err = c.Rcpt(to)
	}
	if err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(letter); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

func isLocal(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// letter returns a letter of plain text (RFC 5322, RFC 2045).
func (s *Sender) letter(to, subject, text string) []byte {
	var b strings.Builder
	_, domain, _ := strings.Cut(s.from.Address, "@")
	for _, header := range [][2]string{
		{"From", s.from.String()}, {"To", (&mail.Address{Address: to}).String()}, {"Subject", mime.QEncoding.Encode("utf-8", subject)},
		{"Date", s.now().Format(time.RFC1123Z)}, {"Message-ID", "<" + uuid.NewString() + "@" + domain + ">"},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
		{"Auto-Submitted", "auto-generated"},
	} {
		b.WriteString(header[0] + ": " + header[1] + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))) // to a strings.Builder, which never fails
	_ = w.Close()
	return []byte(b.String())
}
