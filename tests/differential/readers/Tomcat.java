// Reads cookies, paths and parameters as a servlet container does: an embedded Tomcat with its own
// connector on a loopback port, which this program asks over one connection that it keeps.
// Asked on standard input, answers on standard output, a line each; see `../readers.rs` for the words.

import jakarta.servlet.MultipartConfigElement;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.util.ServerInfo;

public class Tomcat {
    static final HexFormat HEX = HexFormat.of();
    static int port;
    static Socket connection;
    static BufferedInputStream answers;

    /** What an application sees. */
    static class Application extends HttpServlet {
        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String name = text(HEX.parseHex(request.getHeader("Asked-Name")));
            List<String> seen = new ArrayList<>();
            switch (request.getHeader("Asked")) {
                case "cookies" -> {
                    Cookie[] cookies = request.getCookies();
                    for (Cookie cookie : cookies == null ? new Cookie[0] : cookies) {
                        if (cookie.getName().equals(name)) seen.add(cookie.getValue());
                    }
                    if (name.equals("JSESSIONID") && request.isRequestedSessionIdFromURL()) {
                        seen.add(request.getRequestedSessionId());
                    }
                }
                case "path" -> {
                    String info = request.getPathInfo();
                    seen.add(request.getServletPath() + (info == null ? "" : info));
                }
                default -> {
                    String[] values = request.getParameterValues(name);
                    if (values != null) seen.addAll(List.of(values));
                }
            }
            List<String> hex = seen.stream().map(value -> HEX.formatHex(value.getBytes(StandardCharsets.UTF_8))).toList();
            byte[] body = (hex.isEmpty() ? "-" : String.join(",", hex)).getBytes(StandardCharsets.US_ASCII);
            response.setContentLength(body.length);
            response.getOutputStream().write(body);
        }
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** The application's answer; `!` where Tomcat refuses the request itself. */
    static String ask(String kind, byte[] name, byte[] target, byte[] cookie, byte[] type, byte[] form) throws IOException {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.write("POST ".getBytes());
        request.write(target);
        request.write((" HTTP/1.1\r\nHost: h\r\nAsked: " + kind + "\r\nAsked-Name: " + HEX.formatHex(name) + "\r\n").getBytes());
        if (cookie.length > 0) {
            request.write("Cookie: ".getBytes());
            request.write(cookie);
            request.write("\r\n".getBytes());
        }
        if (type.length > 0) {
            request.write("Content-Type: ".getBytes());
            request.write(type);
            request.write("\r\n".getBytes());
        }
        request.write(("Content-Length: " + form.length + "\r\n\r\n").getBytes());
        request.write(form);
        if (connection == null) {
            connection = new Socket(InetAddress.getLoopbackAddress(), port);
            connection.setTcpNoDelay(true);
            answers = new BufferedInputStream(connection.getInputStream());
        }
        request.writeTo(connection.getOutputStream());
        return read();
    }

    static String read() throws IOException {
        String status = line();
        int length = 0;
        boolean closes = false;
        for (String header = line(); !header.isEmpty(); header = line()) {
            String small = header.toLowerCase();
            if (small.startsWith("content-length:")) length = Integer.parseInt(small.substring(15).trim());
            closes |= small.equals("connection: close");
        }
        byte[] body = answers.readNBytes(length);
        if (closes) {
            connection.close();
            connection = null;
        }
        return status.startsWith("HTTP/1.1 200") ? new String(body, StandardCharsets.US_ASCII) : "!";
    }

    static String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = answers.read(); next != '\n'; next = answers.read()) {
            if (next < 0) throw new IOException("Tomcat hung up");
            if (next != '\r') line.write(next);
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }

    static String answer(String[] words) throws IOException {
        byte[][] fields = new byte[words.length][];
        for (int at = 1; at < words.length; at++) fields[at] = HEX.parseHex(words[at]);
        byte[] none = new byte[0];
        byte[] root = "/".getBytes();
        return switch (words[0]) {
            case "cookies" -> ask("cookies", fields[1], fields[3], fields[2], none, none);
            case "path" -> ask("path", none, fields[1], none, none, none);
            case "query" -> {
                ByteArrayOutputStream target = new ByteArrayOutputStream();
                target.write("/?".getBytes());
                target.write(fields[2]);
                yield ask("query", fields[1], target.toByteArray(), none, none, none);
            }
            default -> ask("form", fields[1], root, none, fields[3], fields[2]);
        };
    }

    public static void main(String[] arguments) throws Exception {
        Logger.getLogger("").setLevel(Level.OFF);
        org.apache.catalina.startup.Tomcat tomcat = new org.apache.catalina.startup.Tomcat();
        tomcat.setBaseDir(arguments[0]);
        Connector connector = new Connector();
        connector.setProperty("address", "127.0.0.1");
        connector.setProperty("maxKeepAliveRequests", "-1");
        connector.setProperty("keepAliveTimeout", "-1");
        connector.setPort(0);
        tomcat.setConnector(connector);
        Context context = tomcat.addContext("", arguments[0]);
        Wrapper wrapper = org.apache.catalina.startup.Tomcat.addServlet(context, "application", new Application());
        wrapper.setMultipartConfigElement(new MultipartConfigElement(""));
        for (String pattern : List.of("/admin/delete", "/users/*", "/")) wrapper.addMapping(pattern);
        tomcat.start();
        port = connector.getLocalPort();
        System.out.println(ServerInfo.getServerInfo() + ", Java " + System.getProperty("java.version"));
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            System.out.println("tomcat:" + answer(line.split(" ", -1)));
        }
        System.exit(0);
    }
}
