// Reads cookies, paths and parameters as servlet containers do: an embedded Tomcat with its own connector
// on a loopback port, which this program asks over one connection that it keeps, and a Jetty with a
// connector in memory. Asked on standard input, answers on standard output, a line each; see
// `../readers.rs` for the words.

import jakarta.servlet.MultipartConfigElement;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.util.ServerInfo;
import org.eclipse.jetty.http.CookieCompliance;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.LocalConnector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.AbstractHandler;

public class Servlets {
    static final HexFormat HEX = HexFormat.of();
    static final byte[] NONE = {};

    /** A container: given a whole request, the body of its answer, or `!` where it refuses it. */
    interface Container {
        String answer(byte[] request) throws Exception;
    }

    static byte[] encoded(List<String> seen) {
        List<String> hex = seen.stream().map(value -> HEX.formatHex(value.getBytes(StandardCharsets.UTF_8))).toList();
        return (hex.isEmpty() ? "-" : String.join(",", hex)).getBytes(StandardCharsets.US_ASCII);
    }

    static String name(String header) {
        return new String(HEX.parseHex(header), StandardCharsets.UTF_8);
    }

    /** What an application in Tomcat sees. */
    static class InTomcat extends jakarta.servlet.http.HttpServlet {
        @Override
        protected void service(jakarta.servlet.http.HttpServletRequest request, jakarta.servlet.http.HttpServletResponse response)
                throws IOException {
            String name = name(request.getHeader("Asked-Name"));
            List<String> seen = new ArrayList<>();
            switch (request.getHeader("Asked")) {
                case "cookies" -> {
                    var cookies = request.getCookies();
                    for (var cookie : cookies == null ? new jakarta.servlet.http.Cookie[0] : cookies) {
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
            byte[] body = encoded(seen);
            response.setContentLength(body.length);
            response.getOutputStream().write(body);
        }
    }

    /** What an application in Jetty sees. */
    static class InJetty extends AbstractHandler {
        @Override
        public void handle(String path, org.eclipse.jetty.server.Request base, javax.servlet.http.HttpServletRequest request,
                javax.servlet.http.HttpServletResponse response) throws IOException {
            String name = name(request.getHeader("Asked-Name"));
            List<String> seen = new ArrayList<>();
            switch (request.getHeader("Asked")) {
                case "cookies" -> {
                    var cookies = request.getCookies();
                    for (var cookie : cookies == null ? new javax.servlet.http.Cookie[0] : cookies) {
                        if (cookie.getName().equals(name)) seen.add(cookie.getValue());
                    }
                }
                case "path" -> seen.add(path);
                default -> {
                    String[] values = request.getParameterValues(name);
                    if (values != null) seen.addAll(List.of(values));
                }
            }
            base.setHandled(true);
            byte[] body = encoded(seen);
            response.setContentLength(body.length);
            response.getOutputStream().write(body);
        }
    }

    static Container tomcat(String place) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(place);
        Connector connector = new Connector();
        connector.setProperty("address", "127.0.0.1");
        connector.setProperty("maxKeepAliveRequests", "-1");
        connector.setProperty("keepAliveTimeout", "-1");
        connector.setPort(0);
        tomcat.setConnector(connector);
        Context context = tomcat.addContext("", place);
        Wrapper wrapper = Tomcat.addServlet(context, "application", new InTomcat());
        wrapper.setMultipartConfigElement(new MultipartConfigElement(""));
        for (String pattern : List.of("/admin/delete", "/users/*", "/")) wrapper.addMapping(pattern);
        tomcat.start();
        int port = connector.getLocalPort();
        return new Container() {
            Socket connection;
            BufferedInputStream answers;

            @Override
            public String answer(byte[] request) throws IOException {
                if (connection == null) {
                    connection = new Socket(InetAddress.getLoopbackAddress(), port);
                    connection.setTcpNoDelay(true);
                    answers = new BufferedInputStream(connection.getInputStream());
                }
                connection.getOutputStream().write(request);
                boolean[] closes = {false};
                String body = body(answers, closes);
                if (closes[0]) {
                    connection.close();
                    connection = null;
                }
                return body;
            }
        };
    }

    static Container jetty(CookieCompliance cookies) throws Exception {
        HttpConfiguration configuration = new HttpConfiguration();
        configuration.setRequestCookieCompliance(cookies);
        Server server = new Server();
        LocalConnector connector = new LocalConnector(server, new HttpConnectionFactory(configuration));
        server.addConnector(connector);
        server.setHandler(new InJetty());
        server.start();
        return request -> {
            ByteBuffer answer = connector.getResponse(ByteBuffer.wrap(request));
            if (answer == null) return "!";
            byte[] bytes = new byte[answer.remaining()];
            answer.get(bytes);
            return body(new java.io.ByteArrayInputStream(bytes), new boolean[1]);
        };
    }

    /** The body of an answer with a length. */
    static String body(InputStream answers, boolean[] closes) throws IOException {
        String status = line(answers);
        int length = 0;
        for (String header = line(answers); !header.isEmpty(); header = line(answers)) {
            String small = header.toLowerCase();
            if (small.startsWith("content-length:")) length = Integer.parseInt(small.substring(15).trim());
            closes[0] |= small.equals("connection: close");
        }
        String body = new String(answers.readNBytes(length), StandardCharsets.US_ASCII);
        return status.startsWith("HTTP/1.1 200") ? body : "!";
    }

    static String line(InputStream answers) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = answers.read(); next != '\n'; next = answers.read()) {
            if (next < 0) throw new IOException("the container hung up");
            if (next != '\r') line.write(next);
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }

    static byte[] request(String kind, byte[] name, byte[] target, byte[] cookie, byte[] type, byte[] form) throws IOException {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.write("POST ".getBytes());
        request.write(target);
        request.write((" HTTP/1.1\r\nHost: h\r\nAsked: " + kind + "\r\nAsked-Name: " + HEX.formatHex(name) + "\r\n").getBytes());
        for (byte[][] header : new byte[][][] {{"Cookie: ".getBytes(), cookie}, {"Content-Type: ".getBytes(), type}}) {
            if (header[1].length > 0) {
                request.write(header[0]);
                request.write(header[1]);
                request.write("\r\n".getBytes());
            }
        }
        request.write(("Content-Length: " + form.length + "\r\n\r\n").getBytes());
        request.write(form);
        return request.toByteArray();
    }

    static byte[] request(String[] words) throws IOException {
        byte[][] fields = new byte[words.length][];
        for (int at = 1; at < words.length; at++) fields[at] = HEX.parseHex(words[at]);
        byte[] root = "/".getBytes();
        return switch (words[0]) {
            case "cookies" -> request("cookies", fields[1], fields[3], fields[2], NONE, NONE);
            case "path" -> request("path", NONE, fields[1], NONE, NONE, NONE);
            case "query" -> {
                ByteArrayOutputStream target = new ByteArrayOutputStream();
                target.write("/?".getBytes());
                target.write(fields[2]);
                yield request("query", fields[1], target.toByteArray(), NONE, NONE, NONE);
            }
            default -> request("form", fields[1], root, NONE, fields[3], fields[2]);
        };
    }

    public static void main(String[] arguments) throws Exception {
        Logger.getLogger("").setLevel(Level.OFF);
        System.setProperty("org.eclipse.jetty.util.log.class", "org.eclipse.jetty.util.log.StdErrLog");
        System.setProperty("org.eclipse.jetty.LEVEL", "OFF");
        var tomcat = tomcat(arguments[0]);
        var jetty = jetty(CookieCompliance.RFC6265);
        var jettyOlder = jetty(CookieCompliance.RFC2965);
        System.out.println(ServerInfo.getServerInfo() + ", Jetty " + Server.getVersion() + ", Java " + System.getProperty("java.version"));
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            byte[] request = request(line.split(" ", -1));
            String answer = "tomcat:" + tomcat.answer(request) + " jetty:" + jetty.answer(request);
            // Its older rules for cookies, which older containers have by default.
            if (line.startsWith("cookies")) answer += " jetty-2965:" + jettyOlder.answer(request);
            System.out.println(answer);
        }
        System.exit(0);
    }
}
